-- Nowcast: the metric scores, with what scoring can't know: that a value is carried, from where and why, and
-- how old it is. What is made of other metrics (combined finance) is as old as they are.
with

carried as (

    select
        quarter,
        previous_release_id,
        cast(
            {{ quarter_number('quarter') }} - {{ quarter_number('previous_quarter') }} as integer
        ) as age_quarters
    from {{ source('run', 'quarter_in_scope') }}

),

metric_score as (

    select * from {{ ref('metric_score') }}

),

scenario_figure as (

    select * from {{ ref('scenario_figure') }}

),

scenario_incomplete_value as (

    select * from {{ ref('scenario_incomplete_value') }}

),

final as (

    select
        metric_score.* replace (
            case when scenario_figure.is_fresh then scenario_figure.source else metric_score.value_source end
                as value_source
        ),
        case when scenario_figure.is_fresh then 0 else carried.age_quarters end as value_age_quarters,
        case
            when not coalesce(scenario_figure.is_fresh, false) then carried.previous_release_id
        end as carried_from,
        case when not scenario_figure.is_fresh then scenario_incomplete_value.missing_reason end
            as carried_because
    from metric_score
    inner join carried
        on metric_score.quarter = carried.quarter
    left join scenario_figure
        on
            metric_score.organisation_code = scenario_figure.organisation_code
            and metric_score.metric_id = scenario_figure.metric_id
    left join scenario_incomplete_value
        on
            scenario_figure.organisation_code = scenario_incomplete_value.organisation_code
            and scenario_figure.metric_id = scenario_incomplete_value.metric_id

)

select * from final
