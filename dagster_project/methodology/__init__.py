"""The rules of scoring as rows: reading them, checking them, choosing the framework of a quarter."""
