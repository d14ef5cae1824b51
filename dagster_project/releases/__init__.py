"""Write, audit, publish: the candidate, the immutable release folders and the atomic swap.

What goes into a release is decided in `runs/`; whether an old one still holds is asked in `verification/`.
"""
