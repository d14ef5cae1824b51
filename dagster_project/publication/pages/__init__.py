"""One module per kind of page: what it shows, found in the contents and handed to its template.

What pages share in looks is in `templates/`, in words in `words.py`; charts are drawn in `charts/`.
"""
