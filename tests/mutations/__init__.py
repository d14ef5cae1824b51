"""Spoils official files one by one and says whether the product notices. See `__main__`."""
