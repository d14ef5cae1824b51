"""Keeping a data folder for years: backups, restoring them, and removing what nothing needs any more.

What a release is and how it is published belongs in `releases/`; runs made again in `runs/`.
"""
