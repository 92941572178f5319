"""The two trees on disk: names, places, durable writes. Knows nothing of WebDAV, TinyDB or records of photos."""
