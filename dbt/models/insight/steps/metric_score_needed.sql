-- Distance, step 2: the score that one metric alone would have to enter the average with, all else as it is,
-- for the organisation to be in the next better segment.
with

metric_score_exact as (

    select * from {{ ref('metric_score_exact') }}
    where enters_average

),

average_limit as (

    select * from {{ ref('average_limit') }}

),

enters_at_dp as (

    select * from {{ ref('enters_at_dp') }}

),

segmented_weight as (

    select
        quarter,
        table_name,
        organisation_code,
        sum(weight_units) as weight_units
    from metric_score_exact
    group by quarter, table_name, organisation_code

),

final as (

    select
        metric_score_exact.quarter,
        metric_score_exact.framework,
        metric_score_exact.table_name,
        metric_score_exact.organisation_code,
        metric_score_exact.metric_id,
        metric_score_exact.unit,
        metric_score_exact.metric_score_exact,
        average_limit.segment,
        average_limit.better_limit,
        enters_at_dp.enters_at_dp,
        {{ exact(
            "metric_score_exact.score_entering_average
            - (average_limit.average_metric_score_exact - average_limit.better_limit)
            * cast(segmented_weight.weight_units as integer) / metric_score_exact.weight_units"
        ) }} as needed_score
    from metric_score_exact
    inner join segmented_weight
        on {{ same_organisation('metric_score_exact', 'segmented_weight') }}
    inner join average_limit
        on {{ same_organisation('metric_score_exact', 'average_limit') }}
    left join enters_at_dp
        on
            {{ same_metric('metric_score_exact', 'enters_at_dp') }}
            and metric_score_exact.quarter = enters_at_dp.quarter

)

select * from final
