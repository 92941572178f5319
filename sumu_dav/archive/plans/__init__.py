"""How a change of several steps is carried out, so that a crash leaves it whole or not begun."""
