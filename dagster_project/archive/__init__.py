"""The publishers' files as bytes, each under its sha256, with when and where each was seen.

What a file holds is not known here (extracts).
"""
