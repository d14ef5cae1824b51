"""The groups in which `league --help` lists the verbs, in the order of `cli`."""

from __future__ import annotations

MAKE = "Make releases"
READ = "Read the tables"
CHECK = "Check the figures"
CORRECT = "Correct what is released"
WHAT_IF = "Ask what would be"
KEEP = "Keep the data folder"
PROJECT = "The project itself"
