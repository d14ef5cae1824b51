"""Finding and downloading the publishers' files: pages, links, retries, rate limits.

What a file says is not read here (extracts), nor where its bytes are kept (archive).
"""
