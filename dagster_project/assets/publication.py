"""What people open, behind the release: the publication of all current releases, made when one of them has changed."""

# No postponed annotations here: Dagster reads the type of `context`.
import dagster as dg

from dagster_project.assets.dbt_translation import OWNERS
from dagster_project.assets.failures import plainly
from dagster_project.assets.releases import RELEASE, STATE
from dagster_project.publication.publish import publish
from dagster_project.releases.journal import published_state
from dagster_project.settings import DataFolder

PUBLICATION = ["publication", "publication"]


@dg.asset(
    key=PUBLICATION,
    deps=[RELEASE],
    group_name="publication",
    owners=OWNERS,
    kinds={"html"},
    pool="publication",
    description="Pages, charts, spreadsheets and data files of the current releases, to open or to put on a server.",
)
def published(context: dg.AssetExecutionContext) -> dg.MaterializeResult[None]:
    """Makes the publication anew where a release has changed, and keeps the quarters that are as they were."""
    with plainly():
        data = DataFolder.from_environment()
        # Before: what changes meanwhile is published once more.
        state = published_state(data)
        result = publish(data, tell=context.log.info)
    return dg.MaterializeResult(
        metadata={
            "open": dg.MetadataValue.path(result["index"]),
            "made": dg.MetadataValue.text(", ".join(result["quarters_made"]) or "none"),
            "kept": dg.MetadataValue.text(", ".join(result["quarters_kept"]) or "none"),
            "files": dg.MetadataValue.int(result["files"]),
            "bytes": dg.MetadataValue.int(result["bytes"]),
            "notice": dg.MetadataValue.text(result["notice"]),
            STATE: dg.MetadataValue.text(state),
        }
    )
