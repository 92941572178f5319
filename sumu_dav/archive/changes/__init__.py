"""What a request changes: uploads, moves, copies, deletions, properties, flags; each put together as a draft."""
