"""One file for each group of commands: they ask, show, and decide nothing."""
