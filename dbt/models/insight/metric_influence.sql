-- Which metric matters most to each trust: what its rank, segment and average would be without it, by
-- influence.
with

quarter_in_scope as (

    select * from {{ source('run', 'quarter_in_scope') }}

),

sensitivity as (

    select * from {{ ref('sensitivity') }}
    where choice = 'without_metric'

),

metric_score_exact as (

    select * from {{ ref('metric_score_exact') }}
    where enters_average

),

final as (

    select
        quarter_in_scope.quarter,
        quarter_in_scope.release_id,
        quarter_in_scope.is_sample,
        sensitivity.table_name,
        sensitivity.organisation_code,
        sensitivity.subject as metric_id,
        sensitivity.average_change,
        sensitivity.segment_change,
        sensitivity.rank_change,
        cast(row_number() over (
            partition by sensitivity.quarter, sensitivity.organisation_code
            order by
                abs(sensitivity.rank_change) desc,
                abs(sensitivity.average_change) desc,
                sensitivity.subject asc
        ) as integer) as influence_rank
    from sensitivity
    inner join metric_score_exact
        on
            {{ same_organisation('sensitivity', 'metric_score_exact') }}
            and sensitivity.subject = metric_score_exact.metric_id
    inner join quarter_in_scope
        on sensitivity.quarter = quarter_in_scope.quarter

)

select * from final
