"""Which sources there are, where their publishers put them, and how a link says what period it covers.

No page is opened here (fetch) and no file read (extracts).
"""
