"""The verbs of `league`, one module per kind; thin layers over the same functions as the assets."""
