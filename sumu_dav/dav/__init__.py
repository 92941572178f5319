"""The WebDAV face: what a request asks is read here, and what is answered is written here."""
