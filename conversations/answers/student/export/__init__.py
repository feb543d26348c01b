"""Approved turns, taken out to train a model of one's own: chosen, masked, balanced, written, described."""
