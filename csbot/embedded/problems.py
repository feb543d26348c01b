"""What can keep the embedded services from starting, as sentences for the person at the terminal."""


class EmbeddedError(Exception):
    """An embedded service cannot start; the text says why and what to do about it."""
