"""How a figure came about: reconciliation with the publisher."""
