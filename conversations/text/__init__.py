"""Text as customers write it: normalising, graphemes, validation. Knows no Django."""
