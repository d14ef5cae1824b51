-- Nowcast: for every metric, how many values are fresh, carried or held back, and from where.
with

quarter_in_scope as (

    select * from {{ source('run', 'quarter_in_scope') }}

),

metric as (

    select * from {{ ref('metric') }}
    where framework in (select framework from quarter_in_scope)

),

scenario_figure as (

    select * from {{ ref('scenario_figure') }}

),

scenario_fresh_value as (

    select * from {{ ref('scenario_fresh_value') }}

),

scenario_incomplete_value as (

    select * from {{ ref('scenario_incomplete_value') }}

),

final as (

    select
        scenario_figure.metric_id,
        max(metric.metric_name) as metric_name,
        sum(case when scenario_figure.is_fresh then 1 else 0 end) as organisations_fresh,
        sum(case when scenario_figure.is_fresh then 0 else 1 end) as organisations_carried,
        max(scenario_figure.source) as source,
        max(case when scenario_figure.is_fresh then scenario_figure.known_difference end) as known_difference,
        bool_or(not scenario_figure.is_whole and scenario_fresh_value.value is not null) as is_held_back,
        count(case when not scenario_figure.is_fresh then scenario_incomplete_value.missing_reason end)
            as organisations_incomplete
    from scenario_figure
    inner join metric
        on scenario_figure.metric_id = metric.metric_id
    left join scenario_fresh_value
        on
            scenario_figure.metric_id = scenario_fresh_value.metric_id
            and scenario_figure.organisation_code = scenario_fresh_value.organisation_code
    left join scenario_incomplete_value
        on
            scenario_figure.metric_id = scenario_incomplete_value.metric_id
            and scenario_figure.organisation_code = scenario_incomplete_value.organisation_code
    group by scenario_figure.metric_id

)

select * from final
