"""What `explain` shows: the tree of an answer, its words, and its forms for terminal and Markdown.

Nothing is computed here (recomputation), nor is anything looked for (explain).
"""
