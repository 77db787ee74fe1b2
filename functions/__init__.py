"""Two Lambdas, each in a folder named by a verb, and `blocklist`, the library they share."""
