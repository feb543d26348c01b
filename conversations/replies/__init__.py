"""Make one reply: history, prompt, stream, store, trace."""
