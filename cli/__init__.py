"""`ses-blocklist`, the operator's command line."""
