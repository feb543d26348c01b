"""Checks what a model computed: numbers and dates in texts, safe expressions, and what code makes of a question."""
