"""What was overwritten or deleted: kept, brought back, dropped in time; and what was never finished."""
