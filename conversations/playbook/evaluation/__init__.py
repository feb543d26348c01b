"""Does a draft answer real questions as well as what is live? Cases, scores, the gate before publishing."""
