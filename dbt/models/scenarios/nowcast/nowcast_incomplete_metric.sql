-- Nowcast: why values are carried although their statistic is at hand, with whose. Reasons that name a month
-- are the same for many organisations, those that name a cell for one.
with

scenario_figure as (

    select * from {{ ref('scenario_figure') }}
    where not is_fresh

),

scenario_incomplete_value as (

    select * from {{ ref('scenario_incomplete_value') }}

),

final as (

    select
        scenario_figure.metric_id,
        scenario_incomplete_value.missing_reason,
        count(*) as organisations,
        list(scenario_figure.organisation_code order by scenario_figure.organisation_code)
            as organisation_codes
    from scenario_figure
    inner join scenario_incomplete_value
        on
            scenario_figure.metric_id = scenario_incomplete_value.metric_id
            and scenario_figure.organisation_code = scenario_incomplete_value.organisation_code
    group by scenario_figure.metric_id, scenario_incomplete_value.missing_reason

)

select * from final
