"""A quarter's release as a schema.org `Dataset`, for search engines: a data block in pages."""

from __future__ import annotations

from typing import Any

from dagster_project.publication import addresses
from dagster_project.publication.contents import QuarterContent
from dagster_project.publication.licences import licence_of
from dagster_project.publication.words import LOWER_IS_BETTER, table_name

_WORKBOOK = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"


def dataset_of(content: QuarterContent, path: str) -> dict[str, Any]:
    """The quarter's data set, its links relative to the page at `path`: where a publication will lie isn't known.

    Everything in it follows from the release. Templates put it in with `dataset.html.j2`.
    """
    licence = licence_of(is_sample=content.is_sample)
    first, last = period(content)
    return {
        "@context": "https://schema.org",
        "@type": "Dataset",
        "name": f"NHS league tables of {content.label}, recomputed"
        + (" (fictional)" if content.is_sample else ""),
        "description": f"{content.notice} Place, scores and likely ranges of each organisation in the "
        f"league tables of {content.label}, with the derivation of each figure. {LOWER_IS_BETTER}",
        "identifier": content.release_id,
        "version": content.release_id,
        "license": licence.path,
        "isAccessibleForFree": True,
        "inLanguage": "en-GB",
        "temporalCoverage": f"{first}/{last}",
        "spatialCoverage": {"@type": "Place", "name": "England"},
        "creator": {"@type": "Organization", "name": "NHS league tables, recomputed"},
        "isBasedOn": [_source(row) for row in content.rows("extract")],
        "distribution": [
            _download(path, "All tables as a workbook", addresses.workbook(content.quarter), _WORKBOOK),
            _download(
                path,
                "All tables as a data package",
                addresses.data_package(content.quarter),
                "application/json",
            ),
            *(
                _download(
                    path,
                    table_name(name),
                    addresses.league_table_json(content.quarter, name),
                    "application/json",
                )
                for name in content.tables
            ),
            _download(
                path,
                "League tables as CSV",
                addresses.data_file(content.quarter, "league_table", is_embargoed=content.is_embargoed),
                "text/csv",
            ),
        ],
    }


def period(content: QuarterContent) -> tuple[str, str]:
    """The quarter's first and last day in ISO form."""
    return content.release.quarter.first_day.isoformat(), content.last_day.isoformat()


def _download(path: str, name: str, there: str, form: str) -> dict[str, str]:
    return {
        "@type": "DataDownload",
        "name": name,
        "contentUrl": addresses.link(path, there),
        "encodingFormat": form,
    }


def _source(row: Any) -> dict[str, Any]:
    """A file of a publisher's, told by its hash: where it was seen isn't part of a release."""
    return {
        "@type": "Dataset",
        "name": row["file_name"],
        "description": f"Extract of {row['source']}",
        "identifier": f"sha256:{row['extract_id']}",
        "publisher": {"@type": "Organization", "name": row["publisher"]},
        "license": licence_of(is_sample=row["licence"] == "MIT").path,
    }
