"""The project: settings, wiring and processes. The product itself lives in `conversations`.

Imports nothing: whoever needs one module of it, such as a health check, does not pay for the others.
"""
