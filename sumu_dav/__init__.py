"""sumu_dav: a WebDAV server for a family's photos, in front of the folder that Plex watches."""

__version__ = "1.0.0"
