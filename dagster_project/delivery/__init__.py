"""Delivery: released tables brought to where their readers work already (PostgreSQL, lakes), and proved to be there.

What is delivered are current releases, read from their folders alone, and what was withdrawn. How a release comes
about doesn't belong here (`releases/`), nor files that people open (`publication/`), nor a figure of its own. No
credential is written, shown or kept anywhere here.
"""
