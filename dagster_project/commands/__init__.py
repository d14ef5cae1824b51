"""The verbs of `league`, one module per kind; thin layers over the same functions as the assets.

What a verb does is not here, only its options, its answer and its exit code.
"""
