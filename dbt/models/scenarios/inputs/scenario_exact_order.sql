-- Re-scoring apart, step 3, where values are changed by hand: values print alike where the release knows an
-- order, its exact scores. A step far below the last printed place keeps that order, and keeps who missed a
-- standard that its value prints as from meeting it.
with

quarter_in_scope as (

    select * from {{ source('run', 'quarter_in_scope') }}

),

metric_score as (

    select * from {{ source('released', 'metric_score') }}

),

scenario_fresh_value as (

    select * from {{ ref('scenario_fresh_value') }}
    where source = 'what-if'

),

scenario_figure as (

    select * from {{ ref('scenario_figure') }}
    where
        value is not null
        and metric_id in (select metric_id from scenario_fresh_value)

),

metric as (

    select * from {{ ref('metric') }}
    where framework in (select framework from quarter_in_scope)

),

metric_rule as (

    select * from {{ ref('metric_rule') }}
    where framework in (select framework from quarter_in_scope)

),

metric_pool as (

    select * from {{ ref('metric_pool') }}
    where framework in (select framework from quarter_in_scope)

),

placed as (

    select
        scenario_figure.metric_id,
        scenario_figure.organisation_code,
        scenario_figure.value,
        scenario_figure.is_fresh,
        metric.better,
        dense_rank() over (
            partition by
                scenario_figure.metric_id,
                scenario_figure.unit,
                metric_pool.pool,
                scenario_figure.value,
                scenario_figure.is_fresh
            order by metric_score.metric_score_exact
        ) - 1
        + case
            when metric_rule.standard = scenario_figure.value and not metric_score.standard_met then 1
            else 0
        end as steps
    from scenario_figure
    inner join metric_score
        on
            scenario_figure.metric_id = metric_score.metric_id
            and scenario_figure.organisation_code = metric_score.organisation_code
    inner join metric
        on scenario_figure.metric_id = metric.metric_id
    left join metric_rule
        on
            scenario_figure.metric_id = metric_rule.metric_id
            and scenario_figure.unit = metric_rule.unit
    left join metric_pool
        on
            scenario_figure.metric_id = metric_pool.metric_id
            and scenario_figure.table_name = metric_pool.table_name

),

final as (

    select
        quarter_in_scope.quarter,
        quarter_in_scope.framework,
        placed.metric_id,
        'what-if' as source,
        placed.organisation_code,
        {{ exact("""case
            when placed.is_fresh then placed.value
            when placed.better = 'high' then placed.value - placed.steps * cast(0.000000001 as decimal(10, 9))
            else placed.value + placed.steps * cast(0.000000001 as decimal(10, 9))
        end""") }} as rank_value,
        placed.value as printed_value,
        1 as precedence,
        0 as tolerance
    from placed
    cross join quarter_in_scope

)

select * from final
