"""The answer of `league diff`: what two releases are made of, what moved between them, and by which cause."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from decimal import Decimal
from typing import Any

import duckdb

from dagster_project.audit.difference.compared_releases import ComparedRelease, releases_to_compare
from dagster_project.audit.difference.decomposition import decomposed
from dagster_project.audit.difference.organisation_named import organisation_named
from dagster_project.notices import notice_of
from dagster_project.settings import DataFolder

MEASURES = ("metric_score", "average_metric_score", "adjusted_segment", "rank")
_WHOLE_NUMBERS = ("adjusted_segment", "rank")
_MOVERS = 10


def difference_of(
    data: DataFolder, first: str, second: str | None, *, organisation: str | None = None
) -> dict[str, Any]:
    """Compares two releases; plain JSON values, scores as decimal text, segments and ranks as integers.

    `organisation` (a code or a part of a name) leaves only that one's movements. Raises InputMissing or
    WrongUsage where releases or organisation aren't there.
    """
    before, after = releases_to_compare(data, first, second)
    with decomposed(data, before, after) as connection:
        code = None if organisation is None else organisation_named(connection, organisation)
        movements = _movements(connection, code)
        return {
            "before": _described(before),
            "after": _described(after),
            "components": _components(before.content, after.content),
            "organisations_in": _organisations(connection, "is_in"),
            "organisations_out": _organisations(connection, "is_out"),
            "values": _values(connection, before, after),
            "measures": [_measure(connection, measure) for measure in MEASURES],
            "biggest_movers": _biggest(movements),
            "movements": movements,
            "organisation": code,
            "notice": notice_of(is_sample=after.is_sample),
        }


def _described(release: ComparedRelease) -> dict[str, Any]:
    return {
        "quarter": str(release.quarter),
        "release_id": release.release_id,
        "framework": release.content["framework"],
        "is_sample": release.is_sample,
    }


def _components(before: Mapping[str, Any], after: Mapping[str, Any]) -> dict[str, Any]:
    """What the two ids are the hashes of, where they differ: extracts by hash, all else by name."""
    found: dict[str, Any] = {
        "extracts": {
            "in": _named(after["extracts"], before["extracts"]),
            "out": _named(before["extracts"], after["extracts"]),
        }
    }
    for part in ("rules", "code", "versions"):
        one, other = before[part], after[part]
        found[part] = sorted(name for name in one.keys() | other.keys() if one.get(name) != other.get(name))
    return found


def _named(extracts: Mapping[str, str], others: Mapping[str, str]) -> list[dict[str, str]]:
    only = [(name, extract_id) for extract_id, name in extracts.items() if extract_id not in others]
    return [{"extract_id": extract_id, "file_name": name} for name, extract_id in sorted(only)]


def _organisations(connection: duckdb.DuckDBPyConnection, which: str) -> list[dict[str, Any]]:
    return _rows(
        connection,
        "select total.table_name, organisation_code, max(organisation_name) as organisation_name "
        "from league.movement_total as total inner join league.league_table as placed "
        f"using (organisation_code, table_name) where total.measure = 'rank' and {which} group by all order by all",
    )


def _values(
    connection: duckdb.DuckDBPyConnection, before: ComparedRelease, after: ComparedRelease
) -> dict[str, Any]:
    """Metric values of organisations in both that print otherwise, came or went."""
    (row,) = _rows(
        connection,
        "with value as (select table_name, organisation_code, metric_id, "
        "max(case when release_id = ? then value end) as value_before, "
        "max(case when release_id = ? then value end) as value_after "
        "from league.metric_score where value is not null group by all) "
        "select count(*) filter (value_before <> value_after) as changed, "
        "count(*) filter (value_before = value_after) as unchanged, "
        'count(*) filter (value_before is null) as "in", count(*) filter (value_after is null) as out from value',
        [before.release_id, after.release_id],
    )
    return row


def _measure(connection: duckdb.DuckDBPyConnection, measure: str) -> dict[str, Any]:
    (counts,) = _rows(
        connection,
        "select count(*) filter (change <> 0) as changed, count(*) filter (change = 0) as unchanged, "
        'count(*) filter (is_in) as "in", count(*) filter (is_out) as out '
        "from league.movement_total where measure = ?",
        [measure],
    )
    causes = _rows(
        connection,
        "select cause, count(distinct (organisation_code, case when measure = 'metric_score' then metric_id end)) "
        "as changed, sum(abs(change)) as moved from league.movement where measure = ? "
        "group by cause order by moved desc, cause",
        [measure],
    )
    return {"measure": measure, **counts, "causes": [_typed(cause, measure, "moved") for cause in causes]}


def _movements(connection: duckdb.DuckDBPyConnection, code: str | None) -> list[dict[str, Any]]:
    """Each organisation in either release: every measure before and after, with the causes of its change."""
    wanted = "" if code is None else "where organisation_code = ?"
    given = [] if code is None else [code]
    causes: dict[tuple[Any, ...], list[dict[str, Any]]] = {}
    for row in _rows(
        connection,
        "select table_name, organisation_code, measure, metric_id, cause, change from league.movement "
        f"{wanted} order by table_name, organisation_code, measure, abs(change) desc, metric_id, cause",
        given,
    ):
        measure = row["measure"]
        whole = (row["table_name"], row["organisation_code"], measure)
        share = _typed({"cause": row["cause"], "change": row["change"]}, measure, "change")
        if measure == "average_metric_score":
            causes.setdefault(whole, []).append({"metric_id": row["metric_id"], **share})
        else:
            causes.setdefault((*whole, row["metric_id"]), []).append(share)
    found: dict[tuple[str, str], dict[str, Any]] = {}
    for row in _rows(
        connection,
        "select total.table_name, total.organisation_code, organisation_name, measure, metric_id, metric_name, "
        "figure_before, figure_after, change, is_in, is_out from league.movement_total as total "
        "left join (select metric_id, max(metric_name) as metric_name from league.metric group by all) "
        "using (metric_id) left join (select table_name, organisation_code, "
        "max_by(organisation_name, quarter) as organisation_name from league.league_table group by all) "
        f"using (table_name, organisation_code) {wanted} "
        "order by total.table_name, total.organisation_code, measure, metric_id",
        given,
    ):
        measure, place = row["measure"], (row["table_name"], row["organisation_code"])
        named = {name: row[name] for name in ("table_name", "organisation_code", "organisation_name")}
        one = found.setdefault(place, named | {"metric_scores": []})
        total = {"before": row["figure_before"], "after": row["figure_after"], "change": row["change"]}
        moved = _typed(total, measure, *total) | {"is_in": row["is_in"], "is_out": row["is_out"]}
        if measure == "metric_score":
            moved = {"metric_id": row["metric_id"], "metric_name": row["metric_name"]} | moved
            one["metric_scores"].append(
                moved | {"causes": causes.get((*place, measure, row["metric_id"]), [])}
            )
        elif measure == "average_metric_score":
            one[measure] = moved | {"causes": causes.get((*place, measure), [])}
        else:
            one[measure] = moved | {"causes": causes.get((*place, measure, None), [])}
    return list(found.values())


def _biggest(movements: Iterable[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Those whose rank moved furthest, then whose average did; without their metric scores."""

    def furthest(one: Mapping[str, Any]) -> tuple[Any, ...]:
        average = Decimal(one["average_metric_score"]["change"])
        return -abs(one["rank"]["change"]), -abs(average), one["organisation_code"]

    moved = [one for one in movements if "rank" in one and one["rank"]["change"]]
    return [
        {name: value for name, value in one.items() if name != "metric_scores"}
        for one in sorted(moved, key=furthest)[:_MOVERS]
    ]


def _typed(row: Mapping[str, Any], measure: str, *names: str) -> dict[str, Any]:
    """Segments and ranks as integers, scores as decimal text with all their places."""
    given = {name: row[name] for name in names if row[name] is not None}
    whole = measure in _WHOLE_NUMBERS
    return {**row, **{name: int(found) if whole else f"{found:f}" for name, found in given.items()}}


def _rows(
    connection: duckdb.DuckDBPyConnection, query: str, given: list[Any] | None = None
) -> list[dict[str, Any]]:
    found = connection.execute(query, given or [])
    names = [column[0] for column in found.description or ()]
    return [dict(zip(names, row, strict=True)) for row in found.fetchall()]
