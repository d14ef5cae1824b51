"""What the quarter before holds, as views that the subjects of the gate `metrics` read.

The quarter before is the one whose release is `previous_release_id` of run.quarter_in_scope: that release is
part of the identity of what is being made, so that no other may have a say in it. `metric_history` has one
row per quarter, organisation and metric: from metrics.metric_value for the quarters in scope, from the
released tables for all others. `quarter_before` has one row per quarter in scope; its column of that name is
null if there is no earlier release.
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

METRIC_HISTORY = f"{_IN_SCOPE} union all {_RELEASED}"
QUARTER_BEFORE = """
    select scope.*, (
        select max(history.quarter) from metric_history as history
        where history.release_id = scope.previous_release_id and history.quarter < scope.quarter
    ) as quarter_before
    from run.quarter_in_scope as scope
"""


def view_earlier_quarters(connection: duckdb.DuckDBPyConnection) -> None:
    """Makes both views, temporary; before the first release there are no released tables to look into."""
    released = connection.execute(
        "select count(distinct table_name) from information_schema.tables "
        "where table_schema = 'league' and table_name in ('metric_score', 'league_table')"
    ).fetchone()
    history = _IN_SCOPE if released is None or released[0] < 2 else METRIC_HISTORY
    connection.execute(f"create or replace temp view metric_history as {history}")
    connection.execute(f"create or replace temp view quarter_before as {QUARTER_BEFORE}")
