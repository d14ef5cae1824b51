"""Dagster assets, one module per stage of the flow; thin layers over the domain functions."""
