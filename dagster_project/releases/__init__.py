"""Write, audit, publish: the candidate, the immutable release folders and the atomic swap."""
