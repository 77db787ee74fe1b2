"""One file for each thing outside: it speaks the vendor's language there and ours here."""
