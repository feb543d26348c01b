"""Every change of a conversation's state, atomically, announced on commit."""
