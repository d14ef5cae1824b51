-- Nowcast: the league tables, with how many metrics are fresh. A place is as old as its oldest value.
with

league_table as (

    select * from {{ ref('league_table') }}

),

nowcast_metric_score as (

    select * from {{ ref('nowcast_metric_score') }}
    where enters_average

),

aged as (

    select
        organisation_code,
        cast(sum(case when value_age_quarters = 0 then 1 else 0 end) as integer) as fresh_metric_count,
        max(value_age_quarters) as value_age_quarters,
        max(carried_from) as carried_from
    from nowcast_metric_score
    group by organisation_code

),

final as (

    select
        league_table.*,
        aged.fresh_metric_count,
        aged.value_age_quarters,
        aged.carried_from
    from league_table
    left join aged
        on league_table.organisation_code = aged.organisation_code

)

select * from final
