"""Keeping a data folder for years: backups and their restoring, and removing what nothing needs any more."""
