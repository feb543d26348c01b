"""Answers known without the model: exact, near and verified; and the small student that gates them."""
