"""What other programs do in the Plex folder: heard of, compared with the catalogue, and followed."""
