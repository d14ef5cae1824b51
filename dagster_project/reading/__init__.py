"""What releases say, read for people as it stands there: a league table, an organisation over the quarters, its story.

Nothing is computed or judged here: why a figure is what it is belongs to explanation, what moved it to audit.
"""
