-- Re-scoring apart, step 2: every metric of the release, with the value that is to be scored. A pool that
-- isn't wholly loaded can't turn values into scores: its scores are those of the release. In a pool with a
-- fresh value every score is made anew, so the old scores and ranks must not stand beside it; nor may those
-- of another year's rules. Which organisation is scored on which metric is the publisher's to say: it is as
-- in the release.
with

quarter_in_scope as (

    select * from {{ source('run', 'quarter_in_scope') }}

),

metric_score as (

    select * from {{ source('released', 'metric_score') }}

),

league_table as (

    select * from {{ source('released', 'league_table') }}

),

scenario_fresh_value as (

    select * from {{ ref('scenario_fresh_value') }}

),

metric_pool as (

    select * from {{ ref('metric_pool') }}
    where framework in (select framework from quarter_in_scope)

),

released_framework as (

    select max(framework) as framework from league_table

),

whole_pool as (

    select
        metric_id,
        pool,
        bool_and(table_name in (select table_name from league_table)) as is_whole
    from metric_pool
    group by metric_id, pool

),

placed as (

    select
        metric_score.table_name,
        metric_score.organisation_code,
        metric_score.metric_id,
        metric_score.unit,
        metric_score.value,
        metric_score.period,
        metric_score.metric_score,
        metric_score.rank_in_table,
        metric_pool.pool as pool_in_use,
        coalesce(whole_pool.is_whole, true) as is_whole,
        case
            when whole_pool.is_whole and metric_score.value is not null then scenario_fresh_value.value
        end as fresh_value,
        scenario_fresh_value.source,
        scenario_fresh_value.known_difference
    from metric_score
    left join metric_pool
        on
            metric_score.metric_id = metric_pool.metric_id
            and metric_score.table_name = metric_pool.table_name
    left join whole_pool
        on
            metric_pool.metric_id = whole_pool.metric_id
            and metric_pool.pool = whole_pool.pool
    left join scenario_fresh_value
        on
            metric_score.metric_id = scenario_fresh_value.metric_id
            and metric_score.organisation_code = scenario_fresh_value.organisation_code

),

counted as (

    select
        *,
        count(fresh_value) over (partition by metric_id, unit, pool_in_use) as fresh_in_pool
    from placed

),

final as (

    select
        counted.table_name,
        counted.organisation_code,
        counted.metric_id,
        counted.unit,
        counted.is_whole,
        counted.known_difference,
        counted.fresh_value is not null as is_fresh,
        case when counted.fresh_value is not null then counted.source end as source,
        coalesce(counted.fresh_value, counted.value) as value,
        case when counted.fresh_value is not null then quarter_in_scope.quarter else counted.period end
            as period,
        counted.metric_score,
        counted.rank_in_table,
        counted.value is not null
        and counted.is_whole
        and (quarter_in_scope.framework <> released_framework.framework or counted.fresh_in_pool > 0)
            as is_scored_anew
    from counted
    cross join quarter_in_scope
    cross join released_framework

)

select * from final
