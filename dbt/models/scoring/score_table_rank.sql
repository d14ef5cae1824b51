-- Step 3.7: where the publisher ranks the score instead of the value, the places that a score can take in
-- its table: one place, unless the grid is too fine for its printed score to give one rank back.
with

metric_score_exact as (

    select * from {{ ref('metric_score_exact') }}

),

metric as (

    select * from {{ ref('metric') }}
    where published_rank_of = 'score'

),

metric_value as (

    select * from {{ ref('metric_value') }}
    where value is not null

),

scored as (

    select
        metric_score_exact.quarter,
        metric_score_exact.table_name,
        metric_score_exact.organisation_code,
        metric_score_exact.metric_id,
        metric_score_exact.possible_score_low,
        metric_score_exact.possible_score_high
    from metric_score_exact
    inner join metric
        on {{ same_metric('metric_score_exact', 'metric') }}
    inner join metric_value
        on {{ same_metric_of_organisation('metric_score_exact', 'metric_value') }}

),

final as (

    select
        own.quarter,
        own.table_name,
        own.organisation_code,
        own.metric_id,
        1 + sum(case when other.possible_score_high < own.possible_score_low then 1 else 0 end) as rank_low,
        1 + sum(
            case
                when other.organisation_code = own.organisation_code then 0
                when other.possible_score_low < own.possible_score_high then 1
                else 0
            end
        ) as rank_high
    from scored as own
    inner join scored as other
        on
            own.quarter = other.quarter
            and own.table_name = other.table_name
            and own.metric_id = other.metric_id
    group by own.quarter, own.table_name, own.organisation_code, own.metric_id

)

select * from final
