"""What can keep `manage.py up` from starting, as one sentence for the person at the terminal."""


class UpError(Exception):
    """`up` cannot start or go on; the text says why and what to do about it."""
