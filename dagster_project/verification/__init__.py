"""Verification: whether a release is what its inputs give, here or from a bundle on another machine."""
