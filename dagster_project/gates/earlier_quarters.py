"""What the quarter before holds, as views that the subjects of the gate `metrics` read.

The quarter before is the one whose release is `previous_release_id` of run.quarter_in_scope: that release is
part of the identity of what is being made, so that no other may have a say in it. `metric_history` has one
row per quarter, organisation and metric: from metrics.metric_value for the quarters in scope, from the
released tables for all others. `quarter_before` has one row per quarter in scope; its column of that name is
null if there is no earlier release.

`period_history` and `organisation_history` say in the same way what each value covered, and how each
organisation was described.
"""

from __future__ import annotations

import duckdb

_IN_SCOPE = """
    select value.quarter, scope.release_id, value.table_name, value.organisation_code, value.metric_id,
        value.unit, cast(value.value as decimal(18, 6)) as value
    from metrics.metric_value as value
    inner join run.quarter_in_scope as scope using (quarter)
"""

# Released rows of a quarter in scope are the ones about to be replaced: they aren't history.
_RELEASED = """
    select score.quarter, league_table.release_id, league_table.table_name, score.organisation_code,
        score.metric_id, score.unit, cast(score.value as decimal(18, 6)) as value
    from league.metric_score as score
    inner join league.league_table as league_table using (quarter, organisation_code)
    where score.quarter not in (select quarter from run.quarter_in_scope)
"""


_PERIODS_IN_SCOPE = """
    select quarter, table_name, organisation_code, metric_id, period from metrics.metric_value
"""
_PERIODS_RELEASED = """
    select score.quarter, league_table.table_name, score.organisation_code, score.metric_id, score.period
    from league.metric_score as score
    inner join league.league_table as league_table using (quarter, organisation_code)
    where score.quarter not in (select quarter from run.quarter_in_scope)
"""
_DESCRIBED_IN_SCOPE = """
    select distinct quarter, organisation_code, organisation_name, organisation_subtype, region
    from metrics.metric_value
"""
_DESCRIBED_RELEASED = """
    select quarter, organisation_code, organisation_name, organisation_subtype, region
    from league.organisation
    where quarter not in (select quarter from run.quarter_in_scope)
"""

QUARTER_BEFORE = """
    select scope.*, (
        select max(history.quarter) from metric_history as history
        where history.release_id = scope.previous_release_id and history.quarter < scope.quarter
    ) as quarter_before
    from run.quarter_in_scope as scope
"""


_SCORED = frozenset({"metric_score", "league_table"})
# Each view's name, its rows of the quarters in scope, its released rows, and the released tables behind these.
_HISTORIES = (
    ("metric_history", _IN_SCOPE, _RELEASED, _SCORED),
    ("period_history", _PERIODS_IN_SCOPE, _PERIODS_RELEASED, _SCORED),
    ("organisation_history", _DESCRIBED_IN_SCOPE, _DESCRIBED_RELEASED, frozenset({"organisation"})),
)
# In an order in which each reads only those before it.
VIEWS = {name: f"{here} union all {released}" for name, here, released, _ in _HISTORIES} | {
    "quarter_before": QUARTER_BEFORE
}


def view_earlier_quarters(connection: duckdb.DuckDBPyConnection) -> None:
    """Makes all views, temporary; before the first release there are no released tables to look into."""
    tables = connection.execute(
        "select distinct table_name from information_schema.tables where table_schema = 'league'"
    ).fetchall()
    there = {str(name) for (name,) in tables}
    views = dict(VIEWS)
    for name, here, _, needed in _HISTORIES:
        if not needed <= there:
            views[name] = here
    for name, query in views.items():
        connection.execute(f"create or replace temp view {name} as {query}")
