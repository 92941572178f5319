"""The methods of WebDAV, one module each: what a request of that method does, and what it answers."""
