"""How work that takes its time tells where it is. Knows nothing of who looks: a terminal, a log, a socket."""

from __future__ import annotations

from collections.abc import Callable

Progress = Callable[[str, int, int | None], None]
"""Called with the stage in a word or two, how many are done, and of how many (None where that is not known).

Called between whole steps, as often as is convenient; who looks decides how much of it to show. It may raise
`Interrupted`: the work then ends with everything whole.
"""


def nobody_looks(_stage: str, _done: int, _total: int | None) -> None:
    """Do nothing: the progress of work that nobody watches."""
