"""Releases for tests of the publication: a small world of two quarters, any rows one likes, or a renamed sample.

The columns and types of a table are those that dbt's contract states, so that a test names only what it is about.
"""

from __future__ import annotations

import shutil
from collections.abc import Iterator, Mapping, Sequence
from decimal import Decimal
from functools import cache
from pathlib import Path
from typing import Any

import duckdb
import yaml
from made_up_release import write_release_file

from dagster_project.explanation.recomputation.release_tables import ReleaseTables
from dagster_project.files import sha256_of_file
from dagster_project.notices import notice_of
from dagster_project.publication.contents import Contents, contents_of
from dagster_project.quarters import Quarter
from dagster_project.releases.tables import RELEASED_TABLES
from dagster_project.settings import DBT_PROJECT_DIR, DataFolder
from dagster_project.shown import cell_in_sql
from dagster_project.sql_text import literal, quoted_name

FIRST, SECOND = "2025-26-Q1", "2025-26-Q2"
# A script, quotes, a formula, a right-to-left mark and two hundred characters.
HOSTILE = "=cmd|'/c calc'!A1 <script>alert(\"1\")</script> & \u202eTrust\u202c" + " of Nowhere" * 14
Rows = Sequence[Mapping[str, Any]]
_ALIASES = {"metric_dimension": "metric"}


def write_release(
    folder: Path, quarter: str, tables: Mapping[str, Rows], *, is_sample: bool = True, **said: str
) -> ReleaseTables:
    """Writes a release folder of these rows; a column that a row doesn't name is null, its stamps are filled in.

    `said` is what `release.json` says besides.
    """
    folder.mkdir(parents=True)
    release_id = folder.name
    stamps = {"quarter": quarter, "release_id": release_id, "is_sample": is_sample}
    with duckdb.connect(config={"threads": 1}) as connection:
        for table, rows in tables.items():
            columns = _columns()[table]
            kinds = ", ".join(f"{quoted_name(name)} {kind}" for name, kind in columns.items())
            connection.execute(f"create table {table} ({kinds})")
            if rows:
                unknown = {name for row in rows for name in row} - columns.keys()
                assert not unknown, f"{table} has no {unknown}"
                line = f"({', '.join('?' for _ in columns)})"
                cells = [(stamps | dict(row)).get(column) for row in rows for column in columns]
                connection.execute(f"insert into {table} values {', '.join([line] * len(rows))}", cells)
            connection.execute(f"copy {table} to {literal(folder / f'{table}.parquet')} (format parquet)")
            cells_of = ", ".join(
                f"{cell_in_sql(quoted_name(name))} as {quoted_name(name)}" if kind == "varchar" else name
                for name, kind in columns.items()
            )
            file = literal(folder / f"{table}.csv")
            connection.execute(f"copy (select {cells_of} from {table}) to {file} (format csv, header)")
    content: dict[str, Any] = {
        "release_id": release_id,
        "is_sample": is_sample,
        "notice": notice_of(is_sample=is_sample),
        "files": {
            file.name: {"sha256": sha256_of_file(file), "bytes": file.stat().st_size}
            | ({"rows": len(tables[file.stem])} if file.stem in tables else {})
            for file in sorted(folder.iterdir())
        },
    }
    write_release_file(folder, quarter=quarter, **content | said)
    return ReleaseTables(Quarter.from_canonical(quarter), release_id, folder, is_current=False)


@cache
def _columns() -> Mapping[str, Mapping[str, str]]:
    """Released table -> column -> type, by dbt's contracts."""
    found: dict[str, dict[str, str]] = {}
    for file in sorted(DBT_PROJECT_DIR.glob("models/**/_*.yml")):
        if file.name.startswith("_unit_tests"):
            continue
        said = yaml.load(file.read_text("utf-8"), yaml.CSafeLoader)
        written_by_runs = [table for source in said.get("sources", ()) for table in source["tables"]]
        for table in [*written_by_runs, *said.get("models", ())]:
            columns = {one["name"]: one.get("data_type", "varchar") for one in table.get("columns", ())}
            # Some are described a second time, in part, as sources of scenarios.
            if len(columns) > len(found.get(_ALIASES.get(table["name"], table["name"]), ())):
                found[_ALIASES.get(table["name"], table["name"])] = columns
    return {table.name: found[table.name] for table in RELEASED_TABLES}


def small_contents(
    folder: Path,
    *,
    names: Mapping[str, str] | None = None,
    without: Sequence[str] = (),
    second: str = SECOND,
) -> Contents:
    """Two quarters of seven acute and one ambulance trust, and one trust without a place (ZA8).

    `names` gives organisations other names, such as HOSTILE; the tables `without` are none of the release's. ZA7 is
    only in the second quarter, ZA6 has neither likely range nor town, OF0046 is published as a score only.
    There are no rules, so that nothing can be recomputed.
    """
    releases = []
    for world, quarter in ((FIRST, FIRST), (SECOND, second)):
        tables: dict[str, Rows] = {table.name: [] for table in RELEASED_TABLES} | _small_world(
            world, names or {}
        )
        kept = {name: rows for name, rows in tables.items() if name not in without}
        released = folder / "releases" / quarter / f"{quarter[-1]:0>16}"
        releases.append((write_release(released, quarter, kept), False))
    return contents_of(releases, DataFolder(folder).warehouse)


def with_a_gap(folder: Path) -> Contents:
    """The small world with the first and the last quarter of the year, and so without what moved."""
    moved = ["movement", "movement_total", "movement_beyond_chance"]
    return small_contents(folder, without=moved, second="2025-26-Q4")


METRICS = {
    "OF0010": ("Urgent referrals with cancer ruled out within 28 days", "access", "high", "percent"),
    "OF0082": ("Sickness absence rate", "people", "low", "percent"),
    "OF0046": ("Summary hospital-level mortality indicator", "effectiveness", "none", "band"),
}


def _small_world(quarter: str, names: Mapping[str, str]) -> dict[str, Rows]:
    codes = [f"ZA{n}" for n in range(1, 8 if quarter == SECOND else 7)]
    turned = codes if quarter == FIRST else [codes[1], codes[0], *codes[2:]]
    placed = [*(("acute", code, at) for at, code in enumerate(turned, 1)), ("ambulance", "ZB1", 1)]
    organisations = [*placed, ("acute", "ZA8", 0)]
    name_of = {
        code: names.get(code, f"Hospital {code[2:]} of Nowhere NHS Trust") for _, code, _ in organisations
    }
    found: dict[str, Rows] = {
        "metric": [
            {"framework": "2025-26", "metric_id": metric_id, "metric_name": name, "domain": domain}
            | {"better": better, "unit": unit, "value_dp": 2, "score_only": better == "none"}
            | {"enters_average": True, "weight_numerator": 1, "weight_denominator": 1, "state": "verified"}
            | {"period": "quarter", "source": "made up"}
            for metric_id, (name, domain, better, unit) in METRICS.items()
        ],
        "organisation": [
            {"organisation_code": code, "organisation_name": name_of[code], "table_name": table}
            | {"region": _region(code), "organisation_subtype": f"{table.capitalize()} - Small"}
            | {"icb_code": "ZQ1", "icb_name": "NHS Nowhere Integrated Care Board"}
            | ({} if code == "ZA6" else {"town": "NOWHERE", "postcode": f"ZZ{code[2:]} 5PA"})
            for table, code, _ in organisations
        ],
        "segment_threshold": [
            {"figure": "OF5002", "domain": "overall", "segment": n, "cut_point": f"{n + 1}.0"}
            | {"threshold_basis": "national_quartiles"}
            for n in (1, 2, 3)
        ],
        "extract": [
            {"extract_id": "ab" * 32, "source": "nof_data", "file_name": "acute-trust-data.csv"}
            | {"publisher": "fictional sample", "licence": "MIT", "bytes": 1000, "rows": 20}
            | {"rows_in_quarter": 20, "release_state": "provisional"}
        ],
        "quality_result": [
            {"gate": "metrics", "suite": "metric_values", "expectation": "value_in_its_range"}
            | {
                "subject": "metric_score",
                "success": True,
                "observed": "none unexpected",
                "severity": "critical",
            }
        ],
    }
    tables = dict.fromkeys(table for table, _, _ in placed)
    sizes = {table: sum(other == table for other, _, _ in placed) for table in tables}
    found["league_table"] = [
        _place(table, code, at, sizes[table]) | {"organisation_name": name_of[code]}
        for table, code, at in placed
    ]
    for table in tables:
        found[f"league_table_{table}"] = [row for row in found["league_table"] if row["table_name"] == table]
    found |= {
        "metric_score": [row for table, code, at in organisations for row in _scores(table, code, at)],
        "metric_ranking": [
            _ranking(table, code, at, sizes[table], metric_id)
            for table, code, at in placed
            for metric_id in ("OF0010", "OF0082")
        ],
        "domain_score": [
            {"table_name": table, "organisation_code": code, "domain": domain, "metric_count": 1}
            | {
                "domain_score": _average(at),
                "domain_score_exact": _average(at),
                "domain_segment": _segment(at),
            }
            | {"threshold_basis": "national_quartiles"}
            for table, code, at in placed
            for _, domain, _, _ in METRICS.values()
        ],
        "not_told_apart": [
            {"table_name": table, "organisation_code": code, "rank": at, "rank_from": max(1, at - 2)}
            | {"rank_to": min(sizes[table], at + 2), "told_apart_from": "0.975"}
            | {"organisations": min(sizes[table], at + 2) - max(1, at - 2)}
            for table, code, at in placed
            if code != "ZA6"
        ],
        "segment_probability": [
            {
                "table_name": table,
                "organisation_code": code,
                "variant": "fixed_cut_points",
                "segment": segment,
            }
            | {"times": times, "probability": Decimal(times) / 10000, "replicates": 10000}
            | {"times_before_override": times, "probability_before_override": Decimal(times) / 10000}
            for table, code, at in placed
            if code != "ZA6"
            for segment, times in _times(at)
        ],
        "caveat": [
            {"table_name": table, "organisation_code": code, "metric_id": "OF0046", "caveat": "score_only"}
            | {"caveat_text": "only the score is published, not what was measured"}
            for table, code, _ in placed
        ],
    }
    if quarter == SECOND:
        found |= _moved([code for code in codes if code != "ZA7"])
    return found


def _region(code: str) -> str:
    return "London" if code < "ZA4" else "North East and Yorkshire"


def _average(at: int) -> str:
    return f"{Decimal(1) + Decimal(at) * 4 / 10:.2f}"


def _segment(at: int) -> int:
    return min(4, 1 + sum(Decimal(_average(at)) > cut for cut in (2, 3)))


def _place(table: str, code: str, at: int, size: int) -> dict[str, Any]:
    ranges: dict[str, Any] = {
        "average_likely_low": Decimal(_average(at)) - Decimal("0.2"),
        "average_likely_high": Decimal(_average(at)) + Decimal("0.2"),
        "segment_likely_low": _segment(at),
        "segment_likely_high": min(4, _segment(at) + 1),
        "rank_likely_low": max(1, at - 2),
        "rank_likely_high": min(size, at + 2),
    }
    return {
        "table_name": table,
        "organisation_code": code,
        "region": _region(code),
        "organisation_subtype": f"{table.capitalize()} - Small",
        "average_metric_score": _average(at),
        "average_metric_score_exact": _average(at),
        "metric_count": len(METRICS),
        "unadjusted_segment": _segment(at),
        "adjusted_segment": _segment(at),
        "final_segment": _segment(at),
        "financial_override": False,
        "financial_override_basis": "published",
        "rank": at,
        "organisations_in_table": size,
        "threshold_basis": "national_quartiles",
        "framework": "2025-26",
        "release_state": "provisional",
        **({} if code == "ZA6" else ranges),
    }


def _scores(table: str, code: str, at: int) -> Iterator[dict[str, Any]]:
    for metric_id, (name, domain, better, unit) in METRICS.items():
        yield {
            "table_name": table,
            "organisation_code": code,
            "metric_id": metric_id,
            "metric_name": name,
            "domain": domain,
            "unit": unit,
            "period": "Q1 2025/26",
            "value": None if better == "none" else _value(at, better),
            "value_source": "nof_data",
            "metric_score": _average(at),
            "metric_score_exact": _average(at),
            "score_entering_average": _average(at),
            "score_basis": "published" if better == "none" else "computed",
            "weight": 1,
            "enters_average": True,
            "rule": "published" if better == "none" else "plain",
        }


def _value(at: int, better: str) -> str:
    return f"{80 - at}.50" if better == "high" else f"{4 + at}.25"


def _ranking(table: str, code: str, at: int, size: int, metric_id: str) -> dict[str, Any]:
    better = METRICS[metric_id][2]
    return {
        "table_name": table,
        "organisation_code": code,
        "metric_id": metric_id,
        "value": _value(at, better),
        "rank_in_table": at,
        "organisations_ranked": size,
        "median": _value((size + 1) // 2, better),
        "lower_quartile": _value(max(1, size // 4), better),
        "upper_quartile": _value(max(1, 3 * size // 4), better),
    }


def _times(at: int) -> Iterator[tuple[int, int]]:
    for segment in (1, 2, 3, 4):
        yield segment, {0: 8000, 1: 2000}.get(segment - _segment(at), 0)


def _moved(codes: Sequence[str]) -> dict[str, Rows]:
    """The first two changed places."""
    earlier = {"quarter_before": FIRST, "release_id_before": f"{FIRST[-1]:0>16}"}
    totals, causes, verdicts = [], [], []
    for at, code in enumerate(codes, 1):
        after = {1: 2, 2: 1}.get(at, at)
        row = earlier | {"table_name": "acute", "organisation_code": code}
        moved: dict[str, tuple[Decimal, Decimal]] = {
            "rank": (Decimal(at), Decimal(after)),
            "average_metric_score": (Decimal(_average(at)), Decimal(_average(after))),
            "adjusted_segment": (Decimal(_segment(at)), Decimal(_segment(after))),
        }
        for measure, (before, now) in moved.items():
            figures = {
                "measure": measure,
                "figure_before": before,
                "figure_after": now,
                "change": now - before,
            }
            totals.append(row | figures | {"is_in": False, "is_out": False})
            if measure != "adjusted_segment":
                verdicts.append(row | figures | {"verdict": "within_chance"})
            if now != before:
                causes.append(row | {"measure": measure, "cause": "value", "change": now - before})
                causes[-1] |= {"metric_id": "OF0010"} if measure == "average_metric_score" else {}
    return {"movement_total": totals, "movement": causes, "movement_beyond_chance": verdicts}


def rename_organisations(data: DataFolder, names: Mapping[str, str]) -> None:
    """Gives organisations other names in every release of a data folder that the test may change."""
    with duckdb.connect(config={"threads": 1}) as connection:
        for file in sorted(data.releases.glob("*/*/*.parquet")):
            if file.parent.is_symlink():
                continue
            read = f"select * from read_parquet({literal(file)})"
            columns = [column[0] for column in connection.execute(f"{read} limit 0").description or ()]
            if not {"organisation_code", "organisation_name"} <= set(columns):
                continue
            whens = " ".join(f"when {literal(code)} then {literal(name)}" for code, name in names.items())
            chosen = f"case organisation_code {whens} else organisation_name end as organisation_name"
            changed = file.with_suffix(".changed")
            connection.execute(
                f"copy (select * replace ({chosen}) from read_parquet({literal(file)})) to {literal(changed)} "
                "(format parquet)"
            )
            shutil.move(changed, file)
