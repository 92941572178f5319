"""What commands ask of an archive, in the server or beside it: JSON in, JSON out, with progress."""
