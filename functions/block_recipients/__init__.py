"""Lambda: a batch of queue messages in, their recipients on the blocklist."""
