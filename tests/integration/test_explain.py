"""`league explain` as its user sees it: what it answers, what it refuses, and that it can disagree."""

from __future__ import annotations

import hashlib
import json
import shutil
from pathlib import Path
from typing import Any

import duckdb
import pytest
from league_command import Ended, league, league_process

from dagster_project.archive.archive import Archive
from dagster_project.errors import ExitCode
from dagster_project.explanation.recomputation.judged import Judged
from dagster_project.explanation.recomputation.recomputation import Recomputation
from dagster_project.explanation.recomputation.release_tables import find_release
from dagster_project.explanation.story.brief import brief_lines, brief_of
from dagster_project.quarters import Quarter
from dagster_project.settings import DataFolder
from dagster_project.typed_names import TABLES

QUARTER = "2025-26-Q1"
HEAVY = ("pandas", "numpy", "pyarrow", "dbt", "dagster", "great_expectations", "sqlglot", "yaml")


def folder_of(data: DataFolder) -> Path:
    return (data.releases / QUARTER / "current").resolve()


def first(data: DataFolder) -> tuple[str, str]:
    """Code and name of the best organisation."""
    row = duckdb.sql(
        f"select organisation_code, organisation_name from '{folder_of(data)}/league_table.parquet' order by rank"
    ).fetchone()
    assert row is not None
    return str(row[0]), str(row[1])


def change(data: DataFolder, table: str, statement: str) -> None:
    """Changes a released Parquet file in place: `statement` works on the table `t`."""
    file = folder_of(data) / f"{table}.parquet"
    with duckdb.connect(":memory:") as connection:
        connection.execute(f"create table t as select * from '{file}'")
        connection.execute(statement)
        file.unlink()
        connection.execute(f"copy t to '{file}' (format parquet)")


def steps(step: dict[str, Any]) -> list[dict[str, Any]]:
    return [step, *(each for below in step["steps"] for each in steps(below))]


def differing(ended: Ended) -> set[str]:
    return {f"{one['table']}.{one['column']}" for one in ended.answer["differences"]}


def test_an_explanation_goes_from_the_rank_to_the_raw_line(small_release: DataFolder) -> None:
    code, name = first(small_release)
    ended = league("explain", code, QUARTER, "--json", data=small_release)
    assert ended.code == ExitCode.DONE, ended.err
    answer = ended.answer
    assert (answer["organisation_code"], answer["organisation_name"]) == (code, name)
    assert answer["agrees"] is True
    assert answer["cells_compared"] > 100
    titles = [step["title"] for step in steps(answer["explanation"])]
    for title in ("League-table rank", "Adjusted segment", "Financial override", "Unadjusted segment"):
        assert title in titles
    sources = [source for step in steps(answer["explanation"]) for source in step["sources"]]
    for source in sources:
        raw = (small_release.archive / source["sha256"][:2] / source["sha256"]).read_bytes()
        line = raw.decode("utf-8-sig").splitlines()[source["source_row"] - 1]
        assert line == source["raw_line"]
        assert source["publisher"]
        assert source["retrieved_at"].startswith("20")


def test_text_and_markdown_say_the_same_as_json(small_release: DataFolder) -> None:
    code, name = first(small_release)
    answer = league("explain", code, QUARTER, "OF0082", "--json", data=small_release).answer
    for form in ((), ("--markdown",)):
        shown = league("explain", code, QUARTER, "OF0082", *form, data=small_release).out
        assert name.split()[0] in shown
        assert answer["message"] in shown
        assert answer["explanation"]["sources"] == []
        (value, *_) = answer["explanation"]["steps"]
        assert value["sources"][0]["raw_line"] in shown
        assert answer["notice"] in shown


def test_the_first_answer_is_ten_lines_and_says_how_to_see_more(small_release: DataFolder) -> None:
    code, name = first(small_release)
    whole = league("explain", code, QUARTER, "--json", data=small_release).answer
    lines = league("explain", code, QUARTER, data=small_release).out.splitlines()
    assert name in lines[0]
    assert lines[1].split()[:4] == ["Place", "1", "of", str(whole["summary"]["organisations_in_table"])]
    assert [line.split()[0] for line in lines[2:4]] == ["Segment", "Average"]
    (at,) = [number for number, line in enumerate(lines) if line.startswith("Next ")]
    assert at < 10
    assert whole["message"] in lines
    assert any("--metric OF0" in line and "--full" in line for line in lines)
    assert max(len(line.rstrip()) for line in lines) <= 80


def test_the_ten_lines_fit_for_every_tenth_organisation_and_no_sentence_is_shortened(
    six_quarters: DataFolder,
) -> None:
    release = find_release(six_quarters, Quarter.from_argument("2025-26-Q4"))
    recomputation = Recomputation(release, Archive(six_quarters.archive))
    standings = Judged(recomputation).standings
    placed = [standing for table in TABLES for standing in standings.table(table)][::10]
    assert len(placed) > 15
    for standing in placed:
        lines = brief_lines(brief_of(Judged(recomputation, only=standing.organisation[1]), standing))
        assert len(lines) < 10
        assert max(len(text) for _, text in lines) <= 67
        told = dict(lines)
        assert not [
            told[label]
            for label in ("Place", "Segment", "Average", "Changed", "Next")
            if "..." in told[label]
        ]


def test_what_a_metric_adds_to_the_average_is_the_average_less_the_one_without_it(
    six_quarters: DataFolder,
) -> None:
    summary = league("explain", "Z33", "2025-26-Q4", "--json", data=six_quarters).answer["summary"]
    told = {one["metric_id"]: one["effect"] for one in (*summary["pulled_down"], *summary["pulled_up"])}
    file = six_quarters.releases / "2025-26-Q4" / "current" / "sensitivity.parquet"
    released = dict(
        duckdb.sql(
            f"select subject, cast(round(-average_change, 2) as decimal(6, 2))::varchar from '{file}' "
            "where organisation_code = 'Z33' and starts_with(subject, 'OF') and round(average_change, 2) <> 0"
        ).fetchall()
    )
    assert told == released


def test_everything_is_shown_on_demand_and_a_metric_by_argument_or_option(small_release: DataFolder) -> None:
    code, _ = first(small_release)
    brief = league("explain", code, QUARTER, data=small_release).out
    full = league("explain", code, QUARTER, "--full", data=small_release).out
    assert len(full.splitlines()) > 100 > len(brief.splitlines())
    by_argument = league("explain", code, QUARTER, "OF0082", data=small_release).out
    assert "Sickness absence rate" in by_argument
    assert league("explain", code, QUARTER, "--metric", "sickness", data=small_release).out == by_argument
    twice = league("explain", code, QUARTER, "OF0082", "--metric", "OF0084", data=small_release)
    assert twice.code == ExitCode.WRONG_USAGE


def test_a_metric_is_explained_alone(small_release: DataFolder) -> None:
    code, _ = first(small_release)
    answer = league("explain", code, QUARTER, "sickness absence", "--json", data=small_release).answer
    assert answer["explanation"]["figure"] == "OF1082"
    assert all(one["table"] == "metric_score" for one in answer["explanation"]["compared"])


def test_a_release_is_explained_by_the_start_of_its_id(small_release: DataFolder) -> None:
    code, _ = first(small_release)
    release_id = folder_of(small_release).name
    ended = league(
        "explain", code, QUARTER, "OF0082", "--release", release_id[:6], "--json", data=small_release
    )
    assert ended.answer["release_id"] == release_id
    other = league("explain", code, QUARTER, "--release", "ffffffffffffffff", data=small_release)
    assert other.code == ExitCode.INPUT_MISSING
    assert release_id in other.err


def test_wrong_questions_are_answered_with_right_ones(small_release: DataFolder) -> None:
    code, _ = first(small_release)
    quarter = league("explain", code, "2025-26-Q3", data=small_release)
    assert (quarter.code, "Released: 2025-26-Q1." in quarter.err) == (ExitCode.INPUT_MISSING, True)
    assert league("explain", code, "Q1 2025", data=small_release).code == ExitCode.WRONG_USAGE
    near = league("explain", code[:-1] + "!", QUARTER, data=small_release)
    assert (near.code, code in near.err) == (ExitCode.WRONG_USAGE, True)
    metric = league("explain", code, QUARTER, "OF0083", data=small_release)
    assert (metric.code, "OF0082" in metric.err) == (ExitCode.WRONG_USAGE, True)
    absent = league("explain", code, QUARTER, "OF0010", data=small_release)
    assert (absent.code, "It has:" in absent.err) == (ExitCode.INPUT_MISSING, True)
    both = league("explain", code, QUARTER, "--json", "--markdown", data=small_release)
    assert both.code == ExitCode.WRONG_USAGE


@pytest.mark.parametrize(
    ("table", "statement", "cell"),
    [
        ("league_table", "update t set rank = rank + 1", "league_table.rank"),
        ("league_table", "update t set average_metric_score = 3.99", "league_table.average_metric_score"),
        (
            "league_table",
            "update t set financial_override = not financial_override",
            "league_table.financial_override",
        ),
        (
            "metric_score",
            "update t set value = value + 0.01 where metric_id = 'OF0082'",
            "metric_score.value",
        ),
        (
            "metric_score",
            "update t set metric_score_exact = metric_score_exact + 0.000001 where metric_id = 'OF0084'",
            "metric_score.metric_score_exact",
        ),
        ("metric_score", "delete from t where metric_id = 'OF0084'", "metric_score.row"),
        ("domain_score", "update t set domain_segment = 5 - domain_segment", "domain_score.domain_segment"),
        (
            "segment_threshold",
            "update t set cut_point = cut_point + 0.5 where segment = 2",
            "segment_threshold.cut_point",
        ),
    ],
)
def test_a_released_cell_that_was_changed_is_named(
    released: DataFolder, table: str, statement: str, cell: str
) -> None:
    code, _ = first(released)
    change(released, table, statement)
    ended = league("explain", code, QUARTER, "--json", data=released)
    assert ended.code == ExitCode.RECONCILIATION_DIFFERENT
    assert differing(ended) == {cell}
    assert cell in league("explain", code, QUARTER, data=released).out


def test_a_rule_that_was_changed_in_the_release_gives_other_figures(released: DataFolder) -> None:
    code, _ = first(released)
    change(
        released,
        "framework_rule",
        "update t set rule_terms = replace(rule_terms, 'score_worst=4', 'score_worst=5')",
    )
    ended = league("explain", code, QUARTER, "OF0082", "--json", data=released)
    assert ended.code == ExitCode.RECONCILIATION_DIFFERENT


def changed_value(data: DataFolder, code: str, figure: str) -> tuple[str, str]:
    """Puts 99.9 into the cell of a copied raw file and makes release and archive name the new bytes."""
    (old,) = [path for path in data.archive.glob("??/*") if f",{figure},".encode() in path.read_bytes()]
    lines = old.read_bytes().split(b"\r\n")
    at = next(
        i for i, line in enumerate(lines) if f",{code},".encode() in line and f",{figure},".encode() in line
    )
    fields = lines[at].decode().rsplit(",", 5)
    before, fields[1] = fields[1], "99.9"
    lines[at] = ",".join(fields).encode()
    raw = b"\r\n".join(lines)
    new_id = hashlib.sha256(raw).hexdigest()
    new = data.archive / new_id[:2] / new_id
    new.parent.mkdir(exist_ok=True)
    new.write_bytes(raw)
    for table in ("extract", "lineage"):
        change(data, table, f"update t set extract_id = '{new_id}' where extract_id = '{old.name}'")
    return before, new_id


def test_a_cell_that_was_changed_in_the_archive_makes_the_figures_above_it_differ(
    released: DataFolder,
) -> None:
    code, _ = first(released)
    before, _ = changed_value(released, code, "OF0082")
    ended = league("explain", code, QUARTER, "OF0082", "--json", data=released)
    assert ended.code == ExitCode.RECONCILIATION_DIFFERENT
    (value,) = [one for one in ended.answer["differences"] if one["column"] == "value"]
    assert (value["recomputed"], float(value["released"])) == ("99.9", float(before))
    shown = league("explain", code, QUARTER, "OF0082", data=released)
    assert "metric_score.value: recomputed 99.9, the release says" in shown.out


def test_damaged_bytes_in_the_archive_are_refused_and_gone_ones_missed(released: DataFolder) -> None:
    code, _ = first(released)
    extracts = json.loads((folder_of(released) / "release.json").read_bytes())["extracts"]
    paths = [released.archive / extract_id[:2] / extract_id for extract_id in extracts]
    for path in paths:
        path.chmod(0o644)
        path.write_bytes(path.read_bytes()[:-1])
    damaged = league("explain", code, QUARTER, data=released)
    assert (damaged.code, "damaged" in damaged.err) == (ExitCode.INPUT_REJECTED, True)
    for path in paths:
        path.unlink()
    gone = league("explain", code, QUARTER, data=released)
    assert (gone.code, "the archive has no file" in gone.err) == (ExitCode.INPUT_MISSING, True)


def test_a_release_from_before_rules_were_released_in_full_says_so(released: DataFolder) -> None:
    code, _ = first(released)
    change(released, "framework_rule", "alter table t drop column rule_terms")
    ended = league("explain", code, QUARTER, data=released)
    assert (ended.code, "league run 2025-26-Q1" in ended.err) == (ExitCode.INPUT_MISSING, True)


def test_nothing_heavy_is_imported(small_release: DataFolder) -> None:
    """pandas alone would take longer than the whole answer may."""
    code, _ = first(small_release)
    ended = league_process("explain", code, QUARTER, data=small_release, PYTHONPROFILEIMPORTTIME="1")
    assert ended.code == ExitCode.DONE, ended.err
    imported = {line.rpartition("|")[2].strip().partition(".")[0] for line in ended.err.splitlines()}
    assert "duckdb" in imported
    assert not imported & set(HEAVY)


def test_a_release_can_be_explained_where_it_was_copied_to(small_release: DataFolder, tmp_path: Path) -> None:
    code, _ = first(small_release)
    shutil.copytree(small_release.root, tmp_path / "elsewhere", symlinks=True)
    ended = league("explain", code, QUARTER, data=DataFolder(tmp_path / "elsewhere"))
    assert ended.code == ExitCode.DONE
