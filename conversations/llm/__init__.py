"""An OpenAI-compatible endpoint as typed events, and the reply envelope. Knows no Django."""
