"""The notebook runs on a release as it is stored: each question answered, each chart with its text alternative."""

from __future__ import annotations

import base64
import re
from collections.abc import Callable
from html.parser import HTMLParser
from pathlib import Path
from xml.etree import ElementTree

import duckdb
import nbformat
import pytest
from nbclient import NotebookClient

from dagster_project.notices import SAMPLE_NOTICE
from dagster_project.publication.charts import domain_profile, positions, trend
from dagster_project.publication.charts.files import standalone
from dagster_project.publication.publish import current, read_contents
from dagster_project.settings import PROJECT_ROOT, DataFolder

NOTEBOOK = PROJECT_ROOT / "docs" / "notebooks" / "league_tables.ipynb"
FICTIONAL = "Fictional data: "
Execute = Callable[..., "Executed"]


class _Images(HTMLParser):
    """The `alt` and `src` of every picture."""

    def __init__(self) -> None:
        super().__init__()
        self.found: list[dict[str, str | None]] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag == "img":
            self.found.append(dict(attrs))


class Executed:
    """What a notebook shows after it was executed."""

    def __init__(self, notebook: nbformat.NotebookNode) -> None:
        outputs = [output for cell in notebook.cells for output in cell.get("outputs", ())]
        images = _Images()
        for output in outputs:
            images.feed(output.get("data", {}).get("text/html", ""))
        self.alternatives = [str(image["alt"]) for image in images.found]
        self.pictures = [
            base64.b64decode(str(image["src"]).removeprefix("data:image/svg+xml;base64,")).decode()
            for image in images.found
        ]
        self.printed = "".join(output.text for output in outputs if output.output_type == "stream")


@pytest.fixture
def execute(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Execute:
    """`execute(data, QUARTER=..., TRUST=...)` executes the notebook on a data folder, these set otherwise."""

    def run(data: DataFolder, **chosen: str) -> Executed:
        monkeypatch.setenv("LEAGUE_DATA_DIR", str(data.root))
        for kept_in in ("IPYTHONDIR", "JUPYTER_RUNTIME_DIR", "JUPYTER_DATA_DIR", "JUPYTER_CONFIG_DIR"):
            monkeypatch.setenv(kept_in, str(tmp_path / kept_in))
        notebook = nbformat.read(NOTEBOOK, as_version=4)
        (parameters,) = (cell for cell in notebook.cells if "parameters" in cell.metadata.get("tags", ()))
        for name, value in chosen.items():
            parameters.source, times = re.subn(
                rf"^{name} = .*$", f"{name} = {value!r}", parameters.source, flags=re.MULTILINE
            )
            assert times == 1
        in_its_folder = {"metadata": {"path": str(NOTEBOOK.parent)}}
        return Executed(NotebookClient(notebook, timeout=300, resources=in_its_folder).execute())

    return run


def texts_of(picture: str) -> list[str]:
    """The texts that a picture shows, a line of a title each its own."""
    return [text for text in ElementTree.fromstring(picture).itertext() if text.strip()]


def test_it_is_stored_without_outputs_and_valid() -> None:
    notebook = nbformat.read(NOTEBOOK, as_version=4)
    nbformat.validate(notebook)
    code = [cell for cell in notebook.cells if cell.cell_type == "code"]
    assert [cell.id for cell in code if cell.outputs or cell.execution_count is not None] == []


def test_it_answers_five_questions_of_the_sample_with_the_releases_own_figures(
    execute: Execute, six_quarters: DataFolder
) -> None:
    executed = execute(six_quarters)
    where, segments, apart, pulled, moved, steps = executed.alternatives[:6]
    assert len(executed.pictures) == 9
    for picture, alternative in zip(executed.pictures[:6], executed.alternatives[:6], strict=True):
        texts = texts_of(picture)
        title = next(text for text in texts if text.startswith(FICTIONAL))
        assert alternative.startswith(f"{title}. ")
        assert SAMPLE_NOTICE in texts
        assert any("Lower is better. A rank is not a verdict." in text for text in texts)
    with duckdb.connect(six_quarters.warehouse, read_only=True) as league:
        of_trust = "quarter = '2025-26-Q4' and organisation_code = 'Z33'"
        rank, low, high = league.execute(
            f"select rank, rank_likely_low, rank_likely_high from league.league_table where {of_trust}"
        ).fetchall()[0]
        others, first, last = league.execute(
            f"select organisations, rank_from, rank_to from league.not_told_apart where {of_trust}"
        ).fetchall()[0]
        ((worst,),) = league.execute(
            "select metric_name from league.metric_influence inner join league.metric using (quarter, metric_id) "
            f"where {of_trust} order by average_change, metric_id limit 1"
        ).fetchall()
        ((beyond, measured),) = league.execute(
            "select count(*) filter (verdict = 'beyond_chance'), count(*) from league.movement_beyond_chance "
            "where quarter = '2025-26-Q4' and table_name = 'acute' and measure = 'rank'"
        ).fetchall()
        ((needed,),) = league.execute(
            f"select average_needed::decimal(6, 3) from league.segment_distance where {of_trust}"
        ).fetchall()
    assert (
        f"ranks {rank} of {measured}; by chance alone it could have been anywhere from {low} to {high}"
        in where
    )
    assert "is in segment 3" in segments
    assert f"{others} of the {measured - 1} other acute trusts" in apart
    assert f"the first at rank {first}, the last at rank {last}" in apart
    assert f"What made it worst: {worst}," in pulled
    assert f"{beyond} of {measured} acute trusts changed rank beyond chance" in moved
    assert f"an average of {needed}," in steps
    assert SAMPLE_NOTICE in executed.printed
    # Last the charts of the publication, as its files have them.
    content = read_contents(six_quarters, current(six_quarters)).of("2025-26-Q4")
    assert content is not None
    found = [draw(content, "Z33") for draw in (domain_profile, positions, trend)]
    assert executed.pictures[6:] == [standalone(chart, content) for chart in found if chart is not None]
    assert all(SAMPLE_NOTICE in texts_of(picture) for picture in executed.pictures[6:])


def test_a_first_quarter_and_the_best_trust_of_a_short_table_are_answered_in_words(
    execute: Execute, small_release: DataFolder
) -> None:
    with duckdb.connect(small_release.warehouse, read_only=True) as league:
        ((best,),) = league.execute(
            "select organisation_code from league.league_table order by rank, organisation_code limit 1"
        ).fetchall()
    executed = execute(small_release, QUARTER="2025-26-Q1", TRUST=best)
    assert len(executed.alternatives) == 6
    assert "No quarter before 2025-26-Q1 is released here" in executed.printed
    assert "is in the best segment" in executed.printed
