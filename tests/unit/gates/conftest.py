"""A hand-made run in which every gate passes: five fictional organisations, three metrics, two quarters.

`acute-data.csv` has eleven rows for each acute organisation (Z1A from row 2, Z1B from row 13, Z1C from
row 24) and row 35; `community-data.csv` has nine for each of Z2A (row 2) and Z2B (row 11);
`acute-league-table.csv` has one record for each acute organisation (rows 2 to 4). The order of figures
within an organisation is that of ACUTE_FIGURES.
"""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path
from typing import Any

import duckdb
import pytest
import yaml

os.environ["GX_ANALYTICS_ENABLED"] = "false"

from dagster_project.gates.gate import run_gate
from dagster_project.gates.outcome import GateOutcome
from dagster_project.settings import EXPECTATIONS_DIR

NOW = "2026-27-Q1"
BEFORE = "2025-26-Q4"

ACUTE_FIGURES = (
    "OF0003",
    "OF1003",
    "OF0020",
    "OF1020",
    "OF4000",
    "OF4100",
    "OF5000",
    "OF5002",
    "OF5003",
    "OF5004",
    "OF5005",
)
COMMUNITY_FIGURES = tuple(figure for figure in ACUTE_FIGURES if figure not in {"OF0020", "OF1020"})
UNITS = {
    "OF0003": "percent",
    "OF0020": "count",
    "OF4100": "segment",
    "OF5000": "segment",
    "OF5003": "segment",
    "OF5004": "flag",
    "OF5005": "segment",
}

# code, table, OF0003, OF0020, score of each, unadjusted segment, flag, adjusted segment, rank
ORGANISATIONS = (
    ("Z1A", "acute", "5", "0", "1", 1, 0, 1, 1),
    ("Z1B", "acute", "6", "1", "2.5", 2, 1, 3, 2),
    ("Z1C", "acute", "7", "2", "4", 4, 0, 4, 3),
    ("Z2A", "non_acute", "5.5", None, "1.75", 1, 0, 1, 1),
    ("Z2B", "non_acute", "6.5", None, "3.25", 3, 0, 3, 2),
)

SCHEMA = """
create schema run; create schema methodology; create schema reference;
create schema landing; create schema metrics; create schema league;
create table run.quarter_in_scope (
    quarter varchar, framework varchar, release_id varchar, is_sample boolean, previous_release_id varchar);
create table landing.extract (
    extract_id varchar, source varchar, file_name varchar, publisher varchar, licence varchar,
    table_name varchar, bytes bigint, rows integer, release_state varchar, supersedes varchar,
    is_sample boolean);
create table landing.extract_row (
    extract_id varchar, source varchar, sheet varchar, source_row integer, quarter varchar,
    table_name varchar, organisation_code varchar, organisation_name varchar, organisation_subtype varchar,
    region varchar, figure varchar, domain varchar, sub_domain varchar, figure_description varchar,
    reporting_date varchar, unit varchar, value_text varchar, value decimal(18,6),
    median_value decimal(18,6), lower_quartile decimal(18,6),
    upper_quartile decimal(18,6), published_rank integer);
create table landing.row_set_aside (
    extract_id varchar, file_name varchar, source_row integer, organisation_code varchar, figure varchar,
    reason varchar, raw_line varchar);
create table landing.statistic_row (
    extract_id varchar, source varchar, sheet varchar, source_row integer, source_column varchar,
    period varchar, quarter varchar, organisation_code varchar, organisation_name varchar, measure varchar,
    category varchar, value_text varchar, value decimal(18,6));
create table landing.organisation_reference (
    extract_id varchar, source varchar, source_row integer, organisation_kind varchar,
    organisation_code varchar, organisation_name varchar, region_code varchar, icb_code varchar,
    opened_on date, closed_on date, town varchar, postcode varchar);
"""

RULES = """
insert into run.quarter_in_scope values ('2026-27-Q1', 'made up', 'r2', true, 'r1');
create table methodology.metric as from (values
    ('made up', 'OF0003', 'Waiting', 'access', false, true, 2, 'latest month'),
    ('made up', 'OF0020', 'Infections', 'access', false, true, 0, '12 months'),
    ('made up', 'OF0046', 'Mortality', 'access', true, true, null, '12 months')
) t (framework, metric_id, metric_name, domain, score_only, enters_average, value_dp, period);
create table methodology.matrix_input as from (values
    ('made up', 'OF0080', 'planned', 'OF0003')
) t (framework, metric_id, axis, input_metric_id);
create table methodology.metric_rule as from (values
    ('made up', 'OF0003', 'percent'), ('made up', 'OF0020', 'count'), ('made up', 'OF0046', 'band')
) t (framework, metric_id, unit);
create table methodology.metric_applicability as from (values
    ('made up', 'OF0003', 'acute', true), ('made up', 'OF0003', 'non_acute', true),
    ('made up', 'OF0020', 'acute', true), ('made up', 'OF0046', 'acute', false)
) t (framework, metric_id, table_name, required);
create table methodology.domain as from (values
    ('made up', 'access', 'Access to services', 'OF4000', 'OF4100')
) t (framework, domain, domain_name, score_figure, segment_figure);
create table methodology.expected_organisations as from (values
    ('made up', '2026-27-Q1', '2026-27-Q4', 'acute', 3),
    ('made up', '2026-27-Q1', '2026-27-Q4', 'non_acute', 2),
    ('made up', '2026-27-Q1', '2026-27-Q4', 'ambulance', 1)
) t (framework, from_quarter, to_quarter, table_name, organisations);
create table methodology.framework_parameter as from (values
    ('made up', 'published_score_dp', 2), ('made up', 'override_no_better_than_segment', 3),
    ('made up', 'recovery_support_segment', 5)
) t (framework, parameter, value);
create table reference.region as from (values ('North', 'North')) t (region_as_published, region);
create table reference.ods_region as from (values ('Y99', 'North')) t (region_code, region);
create table reference.lookalike_character as from (values
    ('O', '0', true), ('B', '8', false)
) t (written, meant, never_in_trust_codes);
create table reference.period_kind as from (values
    ('latest month', 0, 0, true), ('12 months', 0, 11, true), ('quarter', 0, 0, true)
) t (period, least_months_old, most_months_old, moves_every_quarter);
create table reference.input_check_parameter as from (values
    ('longest_text', 300), ('spread_least_organisations', 3), ('spread_largest_distance', 8),
    ('spread_largest_gap', 3), ('spread_gap_of_a_shifted_point', 1), ('spread_ordinary_distance', 1.5)
) t (parameter, value);
create table reference.organisation_code_pattern as from (values
    ('trust', 'Z[0-9][A-Z]'), ('icb', 'ZQ[A-Z]')
) t (table_group, pattern);
create table reference.organisation_successor as from (values
    ('Z9Z', 'Z1A', '2026-06-30', true), ('Z8Z', 'Z1A', '2026-07-01', true)
) t (organisation_code, successor_code, effective_date, is_sample);
create table reference.plausible_range as from (values
    (null::varchar, 'percent', 0, 100, 60), (null, 'count', 0, 1000, 200)
) t (metric_id, unit, lowest, highest, largest_quarterly_jump);
"""

# The released tables follow from what was landed; OF0003 has the weight of the whole average.
RELEASED = """
create table metrics.metric_value as
select value.quarter, 'made up' as framework, value.table_name, value.organisation_code,
    value.organisation_name, value.organisation_subtype, value.region, value.figure as metric_id, value.unit,
    value.value, 2 as value_dp, score.value as published_score, value.published_rank,
    null::varchar as period, value.extract_id, null::varchar as sheet, value.source_row,
    score.extract_id as score_extract_id,
    score.source_row as score_source_row
from landing.extract_row as value
inner join landing.extract_row as score
    on score.organisation_code = value.organisation_code and score.figure = 'OF1' || right(value.figure, 3)
where left(value.figure, 3) = 'OF0';
insert into metrics.metric_value
select quarter, 'made up', table_name, organisation_code, organisation_name, organisation_subtype, region,
    'OF0046', 'band', null, null, value, null, null, null, null, null, extract_id, source_row
from landing.extract_row where figure = 'OF1046';
create table league.league_table as
select o.quarter, 'r2' as release_id, true as is_sample, o.table_name, o.organisation_code,
    o.organisation_name,
    max(o.value) filter (where o.figure = 'OF5002')::decimal(18,2) as average_metric_score,
    max(o.value) filter (where o.figure = 'OF5002')::decimal(18,12) as average_metric_score_exact,
    count(*) filter (where o.figure in ('OF1003', 'OF1020', 'OF1046'))::integer as metric_count,
    max(o.value) filter (where o.figure = 'OF5003')::integer as unadjusted_segment,
    max(o.value) filter (where o.figure = 'OF5004') = 1 as financial_override,
    max(o.value) filter (where o.figure = 'OF5000')::integer as adjusted_segment,
    max(o.value) filter (where o.figure = 'OF5005')::integer as final_segment,
    max(o.published_rank) filter (where o.figure = 'OF5000') as rank,
    (case o.table_name when 'acute' then 3 else 2 end)::integer as organisations_in_table
from landing.extract_row as o where o.source = 'nof_data' group by all;
create table league.metric_score as
select quarter, 'r2' as release_id, true as is_sample, table_name, organisation_code, metric_id, value, unit,
    published_score::decimal(18,2) as metric_score, published_score::decimal(18,12) as metric_score_exact,
    null::varchar as period, published_score - 0.01 as admissible_score_low,
    published_score + 0.01 as admissible_score_high,
    'computed' as score_basis, 'acute' as pool, 5 as pool_size, 1 as rank_in_pool
from metrics.metric_value;
create table league.domain_score as
select quarter, 'r2' as release_id, true as is_sample, organisation_code, 'access' as domain,
    value::decimal(18,2) as domain_score, value::decimal(18,12) as domain_score_exact, 1 as domain_segment,
    1 as metric_count
from landing.extract_row where figure = 'OF4000';
create table league.metric_ranking as
select quarter, 'r2' as release_id, true as is_sample, organisation_code, metric_id, value,
    1 as rank_in_table, 3 as organisations_ranked, 6.0 as median, 5.5 as lower_quartile, 6.5 as upper_quartile
from metrics.metric_value where value is not null;
create table league.reconciliation as
select quarter, 'r2' as release_id, true as is_sample, organisation_code, table_name, figure,
    value as computed, value as published, 0 as difference, 0 as tolerance, 'equal' as outcome,
    null::varchar as reason
from landing.extract_row where source = 'nof_data';
create table league.organisation as
select distinct quarter, 'r2' as release_id, true as is_sample, organisation_code, organisation_name,
    organisation_subtype, region
from metrics.metric_value;
insert into league.organisation by name
select * replace ('2025-26-Q4' as quarter, 'r1' as release_id) from league.organisation;
insert into league.metric_score by name
select * replace ('2025-26-Q4' as quarter, 'r1' as release_id) from league.metric_score;
insert into league.league_table by name
select * replace ('2025-26-Q4' as quarter, 'r1' as release_id) from league.league_table;
"""


def hand_made_run() -> duckdb.DuckDBPyConnection:
    """The run in a database of its own, in memory."""
    connection = duckdb.connect()
    connection.execute(SCHEMA)
    connection.execute(RULES)
    files = (
        ("acute", "nof_data", "acute-data.csv", "acute", 34),
        ("community", "nof_data", "community-data.csv", "non_acute", 18),
        ("league", "nof_league_table", "acute-league-table.csv", "acute", 3),
    )
    for extract_id, source, file_name, table, rows in files:
        connection.execute(
            "insert into landing.extract values "
            "(?, ?, ?, 'made up', 'MIT', ?, 1, ?, 'provisional', null, true)",
            [extract_id, source, file_name, table, rows],
        )
    for row in _landed_rows():
        connection.execute(
            "insert into landing.extract_row (extract_id, source, source_row, quarter, table_name, "
            "organisation_code, organisation_name, region, figure, unit, value_text, value, published_rank) "
            "values (?, ?, ?, '2026-27-Q1', ?, ?, ?, 'North', ?, ?, ?, ?, ?)",
            row,
        )
    connection.execute(RELEASED)
    return connection


def _landed_rows() -> list[list[object]]:
    rows: list[list[object]] = []
    next_row = {"acute": 2, "community": 2, "league": 2}

    def land(
        extract: str, organisation: tuple[str, str], figure: str, value: object, rank: int | None
    ) -> None:
        source = "nof_league_table" if extract == "league" else "nof_data"
        code, table = organisation
        unit = UNITS.get(figure, "score")
        place = [extract, source, next_row[extract], table, code, f"{code} NHS Trust", figure, unit]
        rows.append([*place, str(value), value, rank])

    for code, table, waiting, infections, score, unadjusted, flag, adjusted, rank in ORGANISATIONS:
        values = {
            "OF0003": waiting,
            "OF0020": infections,
            "OF5000": adjusted,
            "OF5003": unadjusted,
            "OF4100": unadjusted,
            "OF5004": flag,
            "OF5005": adjusted,
        }
        extract = "acute" if table == "acute" else "community"
        for figure in ACUTE_FIGURES if table == "acute" else COMMUNITY_FIGURES:
            land(
                extract,
                (code, table),
                figure,
                values.get(figure, score),
                rank if figure == "OF5000" else None,
            )
            next_row[extract] += 1
        if table == "acute":
            ranges = {"OF5002.likely_low": "1", "OF5002.likely_high": "4"}
            ranks = {"OF5000.rank_likely_low": "1", "OF5000.rank_likely_high": "3"}
            league = {"OF5002": score, "OF5000": adjusted, "OF5004": flag, **ranges, **ranks}
            for figure, value in league.items():
                land("league", (code, table), figure, value, rank if figure == "OF5000" else None)
            next_row["league"] += 1
    land("acute", ("Z1A", "acute"), "OF1046", "1", None)
    return rows


@pytest.fixture(scope="session")
def made_run() -> duckdb.DuckDBPyConnection:
    """A run in which every gate passes. Not to be changed but within a transaction that is rolled back."""
    return hand_made_run()


@pytest.fixture
def run(made_run: duckdb.DuckDBPyConnection) -> Iterator[duckdb.DuckDBPyConnection]:
    """A run in which every gate passes, to be changed: the changes are undone after the test."""
    made_run.begin()
    try:
        yield made_run
    finally:
        made_run.rollback()


@cache
def _declared(gate: str, suite: str) -> dict[str, Any]:
    declared: dict[str, Any] = yaml.safe_load((EXPECTATIONS_DIR / gate / f"{suite}.yml").read_text("utf-8"))
    return declared


@pytest.fixture
def judged(tmp_path: Path) -> Callable[..., GateOutcome]:
    """Runs a gate, or one suite of it alone, or one expectation of that suite alone."""

    def judge(
        gate: str,
        connection: duckdb.DuckDBPyConnection,
        suite: str | None = None,
        expectation: str | None = None,
    ) -> GateOutcome:
        if suite is None:
            return run_gate(gate, connection, expectations_dir=EXPECTATIONS_DIR)
        folder = tmp_path / "expectations" / gate
        folder.mkdir(parents=True)
        declared = _declared(gate, suite)
        chosen = [e for e in declared["expectations"] if expectation in (None, e["name"])]
        (folder / f"{suite}.yml").write_text(json.dumps(declared | {"expectations": chosen}), "utf-8")
        shutil.copy(EXPECTATIONS_DIR / gate / f"{suite}.sql", folder)
        return run_gate(gate, connection, expectations_dir=folder.parent)

    return judge
