"""The use cases (receive, move, favourite, delete, check): the one layer that touches both the disk and the catalogue.

Knows nothing of WebDAV, HTTP or accounts.
"""
