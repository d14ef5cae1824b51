"""Verification: whether a release is what its inputs give, here or from a bundle on another machine.

The one look at a release's own files, which publishing needs too, is `releases/damage.py`.
"""
