"""One module per format of a publisher: bytes in, extract rows out."""
