"""Dagster assets, one module per stage of the flow; thin layers over the domain functions.

No domain logic stands here: whoever wants a stage without Dagster calls `runs/`.
"""

import warnings

import dagster as dg

# Partitioned checks and single-run backfills are marked as not yet settled; the lock pins the version in use.
warnings.filterwarnings("ignore", category=dg.BetaWarning)
warnings.filterwarnings("ignore", category=dg.PreviewWarning)
