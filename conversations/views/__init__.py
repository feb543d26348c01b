"""HTTP doors: authenticate, validate, call one function."""
