"""csbot's one Django app: floors of packages whose imports only go down (docs/architecture.md)."""
