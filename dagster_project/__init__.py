"""NHS league tables, recomputed: from raw official extracts to gated, reconciled releases."""
