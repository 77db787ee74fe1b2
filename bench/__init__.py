"""`make bench`: what the pipeline costs, against what stands beside it in the same run."""
