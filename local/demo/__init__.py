"""`make demo`: a thousand callbacks from HTTP to the blocklist, watched, and accounted for."""
