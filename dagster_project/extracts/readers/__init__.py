"""The readers: a module per source with its record `SOURCE`, and beside them what their files have in common.

A reader gets bytes or a path and gives rows; it asks neither catalogue nor archive.
"""
