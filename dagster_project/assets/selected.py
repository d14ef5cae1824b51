"""What a run of a part of the flow shows as materialised: of a stage, which is always done whole, what was chosen."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import dagster as dg


def only_selected(results: Iterable[dg.MaterializeResult[None]]) -> Iterator[dg.MaterializeResult[None]]:
    """The results of the assets that the run in progress was asked for."""
    chosen = dg.AssetExecutionContext.get().selected_asset_keys
    return (result for result in results if result.asset_key in chosen)
