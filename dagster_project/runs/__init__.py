"""A quarterly run from request to release: plain functions that assets and the command both call."""
