"""Which endpoint serves this call."""
