"""A released table gets a second version: the procedure of docs/consumers.md, in a copy of the checkout."""

from __future__ import annotations

import shutil
from dataclasses import dataclass
from pathlib import Path

import pyarrow.parquet as pq
import pytest
import yaml
from checkout_copy import copy_checkout, league_of
from league_command import Ended
from shared_folders import SAMPLE_QUARTERS, MadeOnce

from dagster_project.contract.contract import CHANGELOG
from dagster_project.settings import CONTRACT_FILE, PROJECT_ROOT, DataFolder

QUARTER = SAMPLE_QUARTERS[0]
UNDECLARED = "undeclared.txt"
VERSIONS = """\
    latest_version: 2
    versions:
      - v: 1
        defined_in: domain_score
        deprecation_date: 2027-07-31
        config: {alias: domain_score}
      - v: 2
        columns:
          - include: all
            exclude: [metric_count]
          - name: metrics_counted
            data_type: integer
            config: {meta: {unit: metrics}}
            description: "Number of metric scores in the mean"
            data_tests:
              - not_null
"""
SECTION = """\
## 1.1.0 (2027-01-01)

- deprecated `domain_score`: `domain_score_v2` calls `metric_count` what it is.
- added `domain_score_v2`: `domain_score` with `metrics_counted` in place of `metric_count`.

"""


def changed(path: Path, before: str, after: str) -> None:
    text = path.read_text("utf-8")
    assert text.count(before) == 1, (path, before)
    path.write_text(text.replace(before, after), "utf-8")


def add_version_two(checkout: Path) -> None:
    """Every step of the procedure but the changelog and `league docs contract`."""
    models = checkout / "dbt" / "models" / "league_tables"
    sql = (models / "domain_score.sql").read_text("utf-8")
    named = "domain_average.metric_count as metrics_counted"
    (models / "domain_score_v2.sql").write_text(sql.replace("domain_average.metric_count", named), "utf-8")
    description = '    description: "One row per organisation and domain."\n'
    changed(models / "_league_tables.yml", description, description + VERSIONS)
    released = '    ReleasedTable("domain_score", ("organisation_code", "domain")),\n'
    second = released.replace("domain_score", "domain_score_v2")
    changed(checkout / "dagster_project" / "releases" / "tables.py", released, released + second)


def declare(checkout: Path) -> None:
    changelog = checkout / CHANGELOG.relative_to(PROJECT_ROOT)
    before, after = changelog.read_text("utf-8").split("\n## ", 1)
    changelog.write_text(f"{before}\n{SECTION}## {after}", "utf-8")


@dataclass(frozen=True)
class Checkout:
    """A copy of the checkout with its contract, and the data folder of what it releases."""

    folder: Path

    @classmethod
    def with_two_versions(cls, folder: Path) -> Checkout:
        copy_checkout(folder)
        for file in (CONTRACT_FILE, CHANGELOG):
            (folder / file.relative_to(PROJECT_ROOT)).parent.mkdir()
            shutil.copy(file, folder / file.relative_to(PROJECT_ROOT))
        add_version_two(folder)
        return cls(folder)

    @property
    def data(self) -> DataFolder:
        return DataFolder(self.folder.parent / "data")

    def league(self, *arguments: str | Path) -> Ended:
        return league_of(self.folder, *arguments, data=self.data, cwd=self.folder)


@pytest.fixture(scope="module")
def versioned(made_once: MadeOnce, small_extracts: Path) -> Checkout:
    """A checkout with two versions of `domain_score`, and a release of it. Not to be changed."""

    def build(folder: Path) -> None:
        checkout = Checkout.with_two_versions(folder / "checkout")
        undeclared = checkout.league("docs", "contract", "--check")
        (folder / UNDECLARED).write_text(f"{undeclared.code}\n{undeclared.err}", "utf-8")
        declare(checkout.folder)
        written = checkout.league("docs", "contract", "--json")
        assert written.code == 0, written.err
        kinds = [(change["kind"], change["name"]) for change in written.answer["changed"]]
        assert kinds == [("deprecated", "domain_score"), ("added", "domain_score_v2")]
        ended = checkout.league("run", QUARTER, "--extracts", small_extracts / QUARTER)
        assert ended.code == 0, ended.err

    return Checkout(made_once("versioned", build) / "checkout")


def test_both_versions_are_released_and_the_older_one_is_as_it_was(
    versioned: Checkout, small_release: DataFolder
) -> None:
    def rows(data: DataFolder, name: str) -> list[dict[str, object]]:
        table = pq.read_table(data.releases / QUARTER / "current" / f"{name}.parquet").drop_columns(
            "release_id"
        )
        found: list[dict[str, object]] = table.to_pylist()
        return found

    first, second = rows(versioned.data, "domain_score"), rows(versioned.data, "domain_score_v2")
    assert first == rows(small_release, "domain_score")
    assert [{**row, "metric_count": row["metrics_counted"]} for row in second] == [
        {**row, "metrics_counted": row["metric_count"]} for row in first
    ]


def test_the_contract_says_of_the_older_one_until_when_it_stays(versioned: Checkout) -> None:
    contract = yaml.safe_load(
        (versioned.folder / "contract" / "nhs-league-tables.odcs.yaml").read_text("utf-8")
    )
    said = {
        table["name"]: {one["property"]: one["value"] for one in table["customProperties"]}
        for table in contract["schema"]
        if table["name"].startswith("domain_score")
    }
    assert said == {
        "domain_score": {"modelVersion": 1, "deprecationDate": "2027-07-31"},
        "domain_score_v2": {"modelVersion": 2},
    }
    assert contract["version"] == "1.1.0"


def test_what_is_not_versioned_has_the_figures_that_it_had(
    versioned: Checkout, small_release: DataFolder
) -> None:
    for file in sorted((small_release.releases / QUARTER / "current").glob("*.parquet")):
        before, after = (
            pq.read_table(folder / file.name).drop_columns("release_id")
            for folder in (file.parent, versioned.data.releases / QUARTER / "current")
        )
        # What a gate says of each table counts tables too.
        if file.stem != "quality_result":
            assert after.equals(before), file.name


def test_without_its_line_in_the_changelog_the_new_version_is_no_part_of_the_contract(
    versioned: Checkout,
) -> None:
    code, _, said = (versioned.folder.parent / UNDECLARED).read_text("utf-8").partition("\n")
    assert code == "1"
    assert "- deprecated `domain_score`" in said
    assert "- added `domain_score_v2`: a new table" in said
