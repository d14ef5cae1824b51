"""A quarterly run from request to release: plain functions that assets and the command both call.

Dagster is not here (assets, launch), nor what is in a file (extracts) or what a release id is made of (releases).
"""
