"""One file for each use case, written against the ports in `ports`."""
