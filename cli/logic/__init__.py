"""What commands know, without a terminal, a clock or a network."""
