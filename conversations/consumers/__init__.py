"""WebSocket doors: authenticate, validate, call one function."""
