"""How the service is packaged, described and deployed."""
