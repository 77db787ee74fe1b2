"""Lambda: an HTTPS callback in, its events on the queue."""
