"""The publication: what a release tells, as pages, charts, spreadsheets and data that people open.

Every number comes from a released table and leads to its derivation. No figure is computed here, and no page is served
here (the command's `serve`).
"""
