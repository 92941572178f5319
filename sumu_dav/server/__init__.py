"""The HTTP server under the WSGI application: connections, framing, sending, logging, and the wiring of it all."""
