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

-- each score at its best and at its worst; at the same place the one that asks comes first, so that only what
-- is ahead of it counts
bound as (

    select
        quarter,
        table_name,
        organisation_code,
        metric_id,
        'low' as bound,
        possible_score_low as score,
        0 as counts_at_worst,
        1 as counts_at_best
    from scored
    union all
    select
        quarter,
        table_name,
        organisation_code,
        metric_id,
        'high' as bound,
        possible_score_high as score,
        1 as counts_at_worst,
        0 as counts_at_best
    from scored

),

ahead as (

    select
        quarter,
        table_name,
        organisation_code,
        metric_id,
        bound,
        sum(counts_at_worst) over (
            partition by quarter, table_name, metric_id
            order by score, counts_at_worst, organisation_code
            rows between unbounded preceding and current row
        ) as ahead_at_worst,
        sum(counts_at_best) over (
            partition by quarter, table_name, metric_id
            order by score, counts_at_best, organisation_code
            rows between unbounded preceding and current row
        ) as ahead_at_best
    from bound

),

reached as (

    select
        quarter,
        table_name,
        organisation_code,
        metric_id,
        max(case when bound = 'low' then ahead_at_worst end) as surely_ahead,
        max(case when bound = 'high' then ahead_at_best end) as possibly_ahead
    from ahead
    group by quarter, table_name, organisation_code, metric_id

),

final as (

    select
        scored.quarter,
        scored.table_name,
        scored.organisation_code,
        scored.metric_id,
        1 + reached.surely_ahead as rank_low,
        -- nobody is ahead of itself
        1 + reached.possibly_ahead
        - case when scored.possible_score_low < scored.possible_score_high then 1 else 0 end as rank_high
    from scored
    inner join reached
        on {{ same_metric_of_organisation('scored', 'reached') }}

)

select * from final
