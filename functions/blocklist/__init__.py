"""The library of both Lambdas: domain, services, adapters, and the one place that joins them."""
