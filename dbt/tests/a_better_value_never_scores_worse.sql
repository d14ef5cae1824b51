-- Among trusts ranked in one pool, a better value never scores worse than the one before it.
with

metric_score as (

    select * from {{ ref('metric_score') }}

),

metric as (

    select * from {{ ref('metric_dimension') }}

),

keyed as (

    select
        metric_score.quarter,
        metric_score.metric_id,
        metric_score.unit,
        metric_score.pool,
        metric_score.organisation_code,
        metric_score.metric_score_exact,
        case when metric.better = 'high' then -metric_score.value else metric_score.value end as rank_key
    from metric_score
    inner join metric
        on
            metric_score.quarter = metric.quarter
            and metric_score.metric_id = metric.metric_id
    where
        metric_score.score_basis in ('computed', 'resolved')
        and metric_score.rank_in_pool is not null

),

compared as (

    select
        *,
        max(metric_score_exact) over (
            partition by quarter, metric_id, unit, pool
            order by rank_key
            range between unbounded preceding and current row
        ) as worst_score_up_to_here,
        max(metric_score_exact) over (
            partition by quarter, metric_id, unit, pool, rank_key
        ) as worst_score_of_the_tie
    from keyed

)

select
    quarter,
    metric_id,
    organisation_code,
    metric_score_exact,
    worst_score_up_to_here
from compared
where worst_score_up_to_here > worst_score_of_the_tie
