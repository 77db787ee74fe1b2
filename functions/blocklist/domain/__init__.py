"""What the pipeline knows and decides: pure, without clock, environment or vendor."""
