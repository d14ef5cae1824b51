"""From bytes to tidy rows: what a source is, which file is whose, its reader, and the newest vintage of all.

Not here: where files come from (catalogue, fetch), where their bytes are kept (archive), and what is made of the rows.
"""
