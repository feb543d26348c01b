"""Cases, the gate, runs, and what staff see of them."""
