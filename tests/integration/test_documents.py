"""The documents that can't go stale: docs/reference is what its sources give, and the site works offline."""

from __future__ import annotations

import copy
import re
import shutil
from collections import Counter
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

import duckdb
import pytest

from dagster_project.documents.reference import (
    REFERENCE_DIR,
    REMEDY,
    drift,
    reference_documents,
    refuse_drift,
    write_reference,
)
from dagster_project.documents.rule_book import rows_of, rule_book
from dagster_project.documents.rule_words import in_words
from dagster_project.documents.site import build_site, write_dbt_page
from dagster_project.documents.sources import DocumentSources
from dagster_project.documents.stage_graph import stage_graph
from dagster_project.errors import LeagueError
from dagster_project.gates.suites import GATES, load_suites
from dagster_project.methodology.rule_set import RuleSet, RuleTable, read_rules
from dagster_project.settings import DBT_PROJECT_DIR, EXPECTATIONS_DIR, METHODOLOGY_DIR, DataFolder
from dagster_project.warehouse.dbt_project import DbtProject

# MyST still asks Sphinx in a way that Sphinx 11 will end.
pytestmark = pytest.mark.filterwarnings("ignore::PendingDeprecationWarning")


@pytest.fixture(scope="module")
def sources(small_release: DataFolder) -> DocumentSources:
    manifest = DbtProject(DBT_PROJECT_DIR, small_release.root / "dbt").manifest
    return DocumentSources(manifest, read_rules())


def test_docs_reference_is_what_dbt_the_seeds_and_the_suites_give(sources: DocumentSources) -> None:
    changed = drift(reference_documents(sources))
    assert not changed, f"docs/reference has drifted ({', '.join(changed)}). {REMEDY}"


def test_a_seed_that_changes_is_a_drift_that_says_what_to_run(
    sources: DocumentSources, tmp_path: Path
) -> None:
    rules = tmp_path / "rules"
    shutil.copytree(METHODOLOGY_DIR, rules, ignore=shutil.ignore_patterns("*.yml"))
    seed = rules / "metric_rule.csv"
    text = seed.read_text(encoding="utf-8")
    seed.write_text(
        text.replace("2025-26,OF0010,percent,standard,80,", "2025-26,OF0010,percent,standard,85,")
    )
    with pytest.raises(LeagueError, match=re.escape("rule-book-2025-26.md. Run `make docs-reference`")):
        refuse_drift(reference_documents(replace(sources, rules=read_rules(rules))))


def test_an_expectation_that_changes_is_a_drift_of_the_gates(
    sources: DocumentSources, tmp_path: Path
) -> None:
    expectations = tmp_path / "expectations"
    shutil.copytree(EXPECTATIONS_DIR, expectations)
    suite = expectations / "metrics" / "metric_jumps.yml"
    suite.write_text(suite.read_text(encoding="utf-8").replace("severity: critical", "severity: warning"))
    assert drift(reference_documents(replace(sources, expectations_dir=expectations))) == ["gates.md"]


def test_a_description_that_changes_is_a_drift_of_the_data_dictionary(sources: DocumentSources) -> None:
    manifest = copy.deepcopy(dict(sources.manifest))
    mart = manifest["nodes"]["model.nhs_league_tables.domain_score"]
    mart["columns"]["domain_score"]["description"] = "Another thing"
    assert drift(reference_documents(replace(sources, manifest=manifest))) == ["data-dictionary.md"]


def test_writing_mends_what_drifted_and_removes_what_does_not_belong(
    sources: DocumentSources, tmp_path: Path
) -> None:
    folder = tmp_path / "reference"
    shutil.copytree(REFERENCE_DIR, folder)
    (folder / "gates.md").write_text("edited by hand")
    (folder / "a_page_of_old.md").write_text("# Old")
    documents = reference_documents(sources)
    assert write_reference(documents, folder) == ["a_page_of_old.md", "gates.md"]
    assert drift(documents, folder) == []


def test_every_row_of_the_rules_stands_in_its_rule_book_with_state_and_source(
    sources: DocumentSources,
) -> None:
    rules = sources.rules
    for framework in rules.frameworks:
        lines = Counter(re.findall(r"^\|.*\|$", rule_book(sources, framework), flags=re.MULTILINE))
        rows = rows_of(rules, framework)
        assert len(rows) > 10
        for name, row in rows:
            words = in_words(rules, name, row).replace("|", "\\|")
            found = [line for line in lines if words in line and f"| {row['state']} |" in line]
            assert found, f"{name}: {words}"


def test_a_table_of_rules_that_is_new_stands_in_the_rule_book_without_a_change_of_code(
    sources: DocumentSources,
) -> None:
    row = {"framework": "2025-26", "replicates": "1000", "state": "inferred", "source": "a guess"}
    tables = {**sources.rules.tables, "likely_range": RuleTable("likely_range", tuple(row), (row,))}
    seed = {
        **sources.nodes("seed")[0],
        "name": "likely_range",
        "unique_id": "seed.nhs_league_tables.likely_range",
        "description": "How likely ranges are drawn",
    }
    manifest = {**sources.manifest, "nodes": {**sources.manifest["nodes"], seed["unique_id"]: seed}}
    documents = reference_documents(replace(sources, manifest=manifest, rules=RuleSet(tables)))
    assert "## How likely ranges are drawn" in documents["rule-book-2025-26.md"]
    assert "| replicates: 1000. | inferred | a guess |" in documents["rule-book-2025-26.md"]
    assert "replicates: 1000" in documents["assumptions.md"]


def test_every_rule_that_is_not_sure_is_listed_as_an_assumption(sources: DocumentSources) -> None:
    page = reference_documents(sources)["assumptions.md"]
    unsure = [
        in_words(sources.rules, name, row)
        for name, row in rows_of(sources.rules, "2025-26")
        if row["state"] in ("inferred", "assumption", "unknown")
    ]
    assert len(unsure) > 10
    assert [words for words in unsure if words not in page] == []


def test_every_expectation_of_every_suite_is_described_once(sources: DocumentSources) -> None:
    page = reference_documents(sources)["gates.md"]
    for gate in GATES:
        for suite in load_suites(EXPECTATIONS_DIR, gate):
            section = page.split(f"### {gate}: {suite.suite}\n")[1].split("\n## ")[0].split("\n### ")[0]
            for expectation in suite.expectations:
                assert section.count(f"| `{expectation.name}` |") == 1


def test_every_table_of_the_warehouse_is_in_the_data_dictionary_with_its_columns(
    sources: DocumentSources, small_release: DataFolder
) -> None:
    page = reference_documents(sources)["data-dictionary.md"]
    with duckdb.connect(str(small_release.warehouse), read_only=True) as connection:
        columns = connection.execute(
            "select table_name, column_name, data_type from information_schema.columns "
            "where table_schema = 'league' order by table_name, ordinal_position"
        ).fetchall()
    assert len({table for table, _, _ in columns}) > 15
    for table, column, data_type in columns:
        section = page.split(f"\n### {table}\n")[1].split("\n## ")[0].split("\n### ")[0]
        if "The columns are those of" in section:
            continue
        kind = data_type.lower().replace(",", ", ")
        assert f"| `{column}` | {kind} |" in section, f"{table}.{column} {kind}: describe it in dbt's YAML"


def test_a_released_table_that_nobody_describes_is_named(sources: DocumentSources) -> None:
    without = {
        key: node for key, node in sources.manifest["sources"].items() if node["name"] != "quality_result"
    }
    with pytest.raises(LeagueError, match="released tables quality_result"):
        reference_documents(replace(sources, manifest={**sources.manifest, "sources": without}))


def test_each_mart_has_a_diagram_that_names_all_it_rests_on_and_loads_nothing(
    sources: DocumentSources,
) -> None:
    page = reference_documents(sources)["lineage-marts.md"]
    graph = stage_graph(sources)
    marts = {key: table.name for key, table in graph.tables.items() if table.is_mart}
    assert len(marts) > 14
    for key, name in marts.items():
        section = page.split(f"\n## {name}\n")[1].split("\n## ")[0]
        assert section.count("```mermaid") == 1
        words = set(re.split(r"<br/>|[\[\]\"]", section))
        assert {graph.tables[one].name for one in graph.upstream(key)} <= words
        assert not re.search(r"https?:|href|click |%%", section)


def test_the_lineage_page_says_what_the_run_itself_writes_and_what_is_read_from_the_publishers_files(
    sources: DocumentSources,
) -> None:
    page = reference_documents(sources)["lineage.md"]
    landed = page.split("\n## landing\n")[1].split("\n## ")[0]
    records = page.split("\n## run records\n")[1].split("\n## ")[0]
    assert "Filled from the publishers' files." in landed
    assert "| `statistic_row` |" in landed
    assert "Written by the run itself." in records
    for table in ("release_event", "reconciliation_ledger", "quality_result"):
        assert f"| `{table}` |" in records
        assert f"| `{table}` |" not in landed


class _Loads(HTMLParser):
    """What a page loads by itself, and where its links lead."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.loads: list[str] = []
        self.links: list[str] = []
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        for name, value in attrs:
            if name in ("src", "srcset", "data", "poster") or (name == "href" and tag != "a"):
                self.loads.append(value or "")
            elif name == "href":
                self.links.append(value or "")


@pytest.fixture(scope="module")
def site(small_release: DataFolder, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("site") / "docs"
    build_site(folder, small_release, dbt_page=False)
    return folder


def test_the_site_holds_readme_docs_reference_and_the_quality_pages(site: Path) -> None:
    pages = {path.relative_to(site).as_posix() for path in site.rglob("*.html")}
    assert {"index.html", "README.html", "docs/operations.html", "docs/assurance.html"} <= pages
    assert {"docs/reference/data-dictionary.html", "quality/2025-26-Q1.html"} <= pages


def test_the_site_loads_nothing_from_elsewhere_and_none_of_its_links_is_broken(site: Path) -> None:
    pages = sorted(site.rglob("*.html"))
    for page in pages:
        found = _Loads(page.read_text(encoding="utf-8"))
        assert [url for url in found.loads if urlsplit(url).netloc] == [], page.name
        for url in [*found.loads, *found.links]:
            parts = urlsplit(url)
            if not parts.scheme and parts.path:
                target = page.parent / unquote(parts.path)
                assert target.is_file(), f"{page.relative_to(site)}: {url}"
    for sheet in site.rglob("*.css"):
        assert not re.search(r"@import[^;]*//|url\(['\"]?(https?:)?//", sheet.read_text(encoding="utf-8"))


@pytest.mark.parametrize("width", [320, 1280])
def test_no_page_of_the_site_is_wider_than_the_screen(site: Path, browser: Any, width: int) -> None:
    page = browser.new_page(viewport={"width": width, "height": 800})
    wide = {}
    for file in sorted(site.rglob("*.html")):
        page.goto(file.as_uri())
        reach = page.evaluate("document.documentElement.scrollWidth")
        if reach > width:
            wide[file.relative_to(site).as_posix()] = reach
    page.close()
    assert wide == {}


def test_on_a_phone_each_cell_of_a_table_says_its_columns_name(site: Path, browser: Any) -> None:
    page = browser.new_page(viewport={"width": 390, "height": 800})
    page.goto((site / "docs" / "reference" / "data-dictionary.html").as_uri())
    label = "getComputedStyle(document.querySelectorAll('table.docutils td')[2], '::before').content"
    assert page.evaluate(label) == '"what it holds: "'
    page.set_viewport_size({"width": 1280, "height": 800})
    assert page.evaluate(label) == "none"
    page.close()


def test_the_site_opens_on_a_page_that_leads_three_kinds_of_reader_to_theirs(site: Path) -> None:
    first = (site / "index.html").read_text(encoding="utf-8")
    headings = re.findall(r"<h2>(.*?)<a", first)
    assert headings[:3] == ["I read or use the tables", "I check a figure", "I run quarters"]
    sections = re.split(r"<h2>", first)[1:4]
    for section in sections:
        assert len(re.findall(r'<li><p><a class="reference internal"', section)) >= 4


def test_a_link_that_leads_nowhere_ends_the_build_and_is_named(
    fresh_data: DataFolder, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from dagster_project.documents import site as module

    (tmp_path / "docs" / "reference").mkdir(parents=True)
    (tmp_path / "docs" / "reference" / "gates.md").write_text("# Gates\n")
    (tmp_path / "docs" / "operations.md").write_text("# Operations\n\n[gone](reference/nowhere.md)\n")
    (tmp_path / "README.md").write_text("# Readme\n")
    (tmp_path / "LICENSE").write_text("MIT\n")
    monkeypatch.setattr(module, "PROJECT_ROOT", tmp_path)
    with pytest.raises(LeagueError, match=r"docs/operations\.md:3.*nowhere\.md"):
        build_site(tmp_path / "built", fresh_data, dbt_page=False)
    assert not (tmp_path / "built").exists()


def test_a_folder_with_other_files_in_it_is_left_alone(fresh_data: DataFolder, tmp_path: Path) -> None:
    (tmp_path / "thesis.txt").write_text("years of work")
    with pytest.raises(LeagueError, match="found other files"):
        build_site(tmp_path, fresh_data)
    assert (tmp_path / "thesis.txt").is_file()


def test_dbts_own_page_holds_every_model_and_loads_nothing_from_elsewhere(
    sources: DocumentSources, tmp_path: Path
) -> None:
    page = tmp_path / "dbt.html"
    write_dbt_page(page)
    text = page.read_text(encoding="utf-8")
    for model in sources.nodes("model"):
        assert f'"{model["unique_id"]}"' in text
    # Its program asks for an address only in a script's or a link's `src` and `href`.
    assert not re.search(r"""\b(src|href)\s*=\s*["'](https?:)?//(?!\[::1\])""", text)
    assert "cloudfront" not in text
    assert str(tmp_path) not in text


def test_dbts_own_page_opens_on_an_overview_of_this_project_with_its_users(sources: DocumentSources) -> None:
    overview = sources.manifest["docs"]["doc.nhs_league_tables.__overview__"]["block_contents"]
    folders = {path.name for path in (DBT_PROJECT_DIR / "models").iterdir() if path.is_dir()}
    assert [folder for folder in sorted(folders) if f"| `{folder}` |" not in overview] == []
    marts = {
        node["unique_id"]
        for node in (*sources.nodes("model"), *sources.sources)
        if node["schema"] == "league"
    }
    used = {
        unique_id
        for exposure in sources.manifest["exposures"].values()
        for unique_id in exposure["depends_on"]["nodes"]
    }
    assert used <= marts
