"""The figures of a nowcast: fresh values where a statistic gives them, the last release's everywhere else.

Figures stand in `landing.extract_row`, as if a data file held them, so that the same models score them.
Which organisation is scored on which metric is the publisher's to say: it is as in the last release.
"""

from __future__ import annotations

import duckdb

CARRIED = "carried"
OFFICIAL = "official"

_FRESH_FROM_STATISTICS = """
    create table carried.fresh_value as
    select
        counted.metric_id, counted.organisation_code, counted.printed_value as value, counted.source,
        -- of several reasons, the one that explains most
        (
            select arg_max(known.reason, known.largest)
            from methodology.known_difference as known
            where known.framework = counted.framework and known.metric_id = counted.metric_id
        ) as known_difference
    from statistics.computed_metric_value as counted
    where counted.quarter = ? and counted.printed_value is not null"""

_INCOMPLETE = """
    create table carried.incomplete_value as
    select metric_id, organisation_code, missing_reason
    from statistics.computed_metric_value
    where quarter = $quarter and printed_value is null
    union all
    select
        metric_score.metric_id, metric_score.organisation_code,
        'the files of ' || counted.source || ' have no counts of it'
    from carried.metric_score
    inner join (
        select distinct metric_id, source from statistics.computed_metric_value where quarter = $quarter
    ) as counted
        on metric_score.metric_id = counted.metric_id
    where
        metric_score.value is not null
        and not exists (
            select 1
            from statistics.computed_metric_value as there
            where
                there.quarter = $quarter
                and there.metric_id = metric_score.metric_id
                and there.organisation_code = metric_score.organisation_code
        )"""

_FRESH_FROM_RELEASE = """
    create table carried.fresh_value as
    select
        metric_score.metric_id, metric_score.organisation_code, metric_score.value,
        metric_statistic.source, cast(null as varchar) as known_difference
    from official.metric_score
    inner join methodology.metric_statistic
        on metric_score.metric_id = metric_statistic.metric_id and metric_statistic.framework = ?
    where metric_score.value is not null"""

# A pool that isn't wholly loaded can't turn values into scores: its scores are carried as they were. In a
# pool with a fresh value every score is made anew, so the old scores and ranks must not stand beside it;
# nor may those of another year's rules.
_FIGURE = """
    create table carried.figure as
    with
    whole_pool as (
        select
            metric_id, pool,
            bool_and(table_name in (select table_name from carried.league_table)) as is_whole
        from methodology.metric_pool
        where framework = $framework
        group by metric_id, pool
    ),
    placed as (
        select
            metric_score.*,
            metric_pool.pool as pool_now,
            coalesce(whole_pool.is_whole, true) as is_whole,
            case when whole_pool.is_whole and metric_score.value is not null then fresh_value.value end
                as fresh_value,
            fresh_value.source,
            fresh_value.known_difference
        from carried.metric_score
        left join methodology.metric_pool
            on
                metric_score.metric_id = metric_pool.metric_id
                and metric_score.table_name = metric_pool.table_name
                and metric_pool.framework = $framework
        left join whole_pool
            on metric_pool.metric_id = whole_pool.metric_id and metric_pool.pool = whole_pool.pool
        left join carried.fresh_value
            on
                metric_score.metric_id = fresh_value.metric_id
                and metric_score.organisation_code = fresh_value.organisation_code
    )
    select
        table_name, organisation_code, metric_id, unit, is_whole, known_difference,
        fresh_value is not null as is_fresh,
        case when fresh_value is not null then source end as source,
        coalesce(fresh_value, value) as value,
        case when fresh_value is not null then $quarter else period end as period,
        metric_score,
        rank_in_table,
        value is not null
        and is_whole
        and ($other_framework or count(fresh_value) over (partition by metric_id, unit, pool_now) > 0)
            as is_scored_anew
    from placed"""

# Without a table of the framework, the cut-points of segments are the last release's own.
_EXTRACT_ROW = """
    insert into landing.extract_row by name
    with
    published as (
        select organisation_code, metric_id as figure, unit, period, value, rank_in_table, is_scored_anew
        from carried.figure
        where value is not null
        union all
        select
            organisation_code, 'OF1' || substr(metric_id, 4), 'score', period, metric_score, null, is_scored_anew
        from carried.figure
        where not is_scored_anew
        union all
        select organisation_code, 'OF5004', 'flag', null, cast(financial_override as integer), null, false
        from carried.league_table
        where financial_override_basis = 'published'
        union all
        select organisation_code, 'OF5007', 'flag', null, cast(final_segment = 5 as integer), null, false
        from carried.league_table
        where final_segment is not null
        union all
        select organisation_code, 'OF5002', 'score', null, average_metric_score, null, false
        from carried.league_table
        where threshold_basis = 'published'
        union all
        select organisation_code, 'OF5003', 'segment', null, unadjusted_segment, null, false
        from carried.league_table
        where threshold_basis = 'published'
    )
    select
        $carried_from as extract_id, 'nof_data' as source, 0 as source_row, $quarter as quarter,
        league_table.table_name, published.organisation_code, league_table.organisation_name,
        league_table.organisation_subtype, league_table.region, published.figure,
        published.period as reporting_date,
        -- the unit of a score is that of its metric where no value stands beside it
        published.unit, cast(published.value as varchar) as value_text,
        cast(published.value as decimal(18, 6)) as value,
        case when not published.is_scored_anew then published.rank_in_table end as published_rank
    from published
    inner join carried.league_table
        on published.organisation_code = league_table.organisation_code"""

# What the models can't know: that a figure is carried, from where, and how old it is.
_AGES = (
    "alter table league.metric_score add column value_age_quarters integer",
    "alter table league.metric_score add column carried_from varchar",
    "alter table league.metric_score add column carried_because varchar",
    """update league.metric_score as scored
    set
        value_age_quarters = case when figure.is_fresh then 0 else $age end,
        carried_from = case when not figure.is_fresh then $carried_from end,
        carried_because = case when not figure.is_fresh then (
            select incomplete.missing_reason
            from carried.incomplete_value as incomplete
            where
                incomplete.metric_id = figure.metric_id
                and incomplete.organisation_code = figure.organisation_code
        ) end,
        value_source = case when figure.is_fresh then figure.source else scored.value_source end
    from carried.figure
    where scored.organisation_code = figure.organisation_code and scored.metric_id = figure.metric_id""",
    # Made of other metrics (combined finance), and so as old as they are.
    """update league.metric_score set value_age_quarters = $age, carried_from = $carried_from
    where value_age_quarters is null""",
    "alter table league.league_table add column fresh_metric_count integer",
    "alter table league.league_table add column value_age_quarters integer",
    "alter table league.league_table add column carried_from varchar",
    # The age of a place in the table is that of its oldest value.
    """update league.league_table as placed
    set
        fresh_metric_count = aged.fresh, value_age_quarters = aged.oldest, carried_from = aged.carried_from
    from (
        select
            organisation_code,
            count(*) filter (value_age_quarters = 0) as fresh,
            max(value_age_quarters) as oldest,
            max(carried_from) as carried_from
        from league.metric_score
        where enters_average
        group by organisation_code
    ) as aged
    where placed.organisation_code = aged.organisation_code""",
)

_METRICS = """
    select
        figure.metric_id,
        any_value(metric.metric_name),
        count(*) filter (figure.is_fresh),
        count(*) filter (not figure.is_fresh),
        max(figure.source),
        max(figure.known_difference) filter (figure.is_fresh),
        bool_or(not figure.is_whole and fresh_value.value is not null),
        count(incomplete.missing_reason) filter (not figure.is_fresh)
    from carried.figure
    inner join methodology.metric
        on figure.metric_id = metric.metric_id and metric.framework = ?
    left join carried.fresh_value
        on
            figure.metric_id = fresh_value.metric_id
            and figure.organisation_code = fresh_value.organisation_code
    left join carried.incomplete_value as incomplete
        on
            figure.metric_id = incomplete.metric_id
            and figure.organisation_code = incomplete.organisation_code
    group by figure.metric_id
    order by figure.metric_id"""

# Reasons that name a month are the same for many organisations, those that name a cell for one.
_REASONS = """
    select figure.metric_id, incomplete.missing_reason, list(figure.organisation_code order by figure.organisation_code)
    from carried.figure
    inner join carried.incomplete_value as incomplete
        on
            figure.metric_id = incomplete.metric_id
            and figure.organisation_code = incomplete.organisation_code
    where not figure.is_fresh
    group by figure.metric_id, incomplete.missing_reason
    order by figure.metric_id, count(*) desc, incomplete.missing_reason"""


def take_fresh_values_from_statistics(connection: duckdb.DuckDBPyConnection, quarter: str) -> int:
    """Makes `carried.fresh_value` of what the statistics models computed; returns how many values.

    `carried.incomplete_value` holds why others have none.
    """
    connection.execute(_FRESH_FROM_STATISTICS, [quarter])
    connection.execute(_INCOMPLETE, {"quarter": quarter})
    return _count(connection, "carried.fresh_value")


def take_fresh_values_from_release(connection: duckdb.DuckDBPyConnection, framework: str) -> int:
    """Makes `carried.fresh_value` of the official values of metrics that have a statistic (as printed)."""
    connection.execute(_FRESH_FROM_RELEASE, [framework])
    # Statistics that aren't there lack nothing.
    connection.execute(_INCOMPLETE, {"quarter": ""})
    return _count(connection, "carried.fresh_value")


def what_is_missing(connection: duckdb.DuckDBPyConnection) -> str:
    """The commonest reasons why counts at hand give no value, as the end of a sentence."""
    found = connection.execute(
        """
        select metric_id || ': ' || missing_reason || ' (' || count(*) || ' organisations)'
        from carried.incomplete_value
        group by metric_id, missing_reason
        order by count(*) desc, metric_id, missing_reason
        limit 5"""
    ).fetchall()
    return "".join(f"; {row[0]}" for row in found)


def land_figures(
    connection: duckdb.DuckDBPyConnection,
    *,
    quarter: str,
    framework: str,
    other_framework: bool,
    carried_from: str,
) -> None:
    """Fills `landing.extract_row` of the quarter; `carried_from` is the id of the last release."""
    connection.execute(
        _FIGURE, {"framework": framework, "quarter": quarter, "other_framework": other_framework}
    )
    connection.execute(_EXTRACT_ROW, {"quarter": quarter, "carried_from": carried_from})


def show_ages(connection: duckdb.DuckDBPyConnection, *, age: int, carried_from: str) -> None:
    """Adds `value_age_quarters` and `carried_from` (a release id, null where fresh) to the built tables."""
    for statement in _AGES:
        named = {"age": age, "carried_from": carried_from}
        connection.execute(
            statement, {name: value for name, value in named.items() if f"${name}" in statement}
        )


def metrics_of(connection: duckdb.DuckDBPyConnection, framework: str, age: int) -> list[dict[str, object]]:
    """For every metric: `fresh`, `carried` or `partly fresh`, with counts, source and known difference.

    `incomplete` says whose counts the statistic lacks, all or some, and what is missing.
    """
    incomplete: dict[str, list[dict[str, object]]] = {}
    for metric_id, reason, organisations in connection.execute(_REASONS).fetchall():
        incomplete.setdefault(metric_id, []).append({"reason": reason, "organisations": organisations})
    listed = []
    for row in connection.execute(_METRICS, [framework]).fetchall():
        metric_id, name, fresh, carried, source, difference, is_held_back, lacking = row
        listed.append(
            {
                "metric_id": metric_id,
                "metric_name": name,
                "state": "carried" if not fresh else "partly fresh" if carried else "fresh",
                "organisations_fresh": fresh,
                "organisations_carried": carried,
                "organisations_incomplete": lacking,
                "incomplete": incomplete.get(metric_id, []),
                "source": source,
                "known_difference": difference,
                "carried_value_age_quarters": age if carried else None,
                "held_back": "the pool isn't wholly loaded, so fresh values give no score"
                if is_held_back
                else None,
            }
        )
    return listed


def _count(connection: duckdb.DuckDBPyConnection, table: str) -> int:
    counted = connection.execute(f"select count(*) from {table}").fetchone()
    assert counted is not None
    return int(counted[0])
