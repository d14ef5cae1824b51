-- One row per metric score in scope, and one per metric value that should have become one and hasn't.
with scores as (
    select
        metric_score.*,
        count(*) over (
            partition by metric_score.quarter, metric_score.organisation_code, metric_score.metric_id
        ) as times_found
    from league.metric_score as metric_score
    inner join run.quarter_in_scope using (quarter)
),

averaged as (
    select distinct
        metric_value.quarter,
        metric_value.organisation_code,
        metric_value.metric_id
    from metrics.metric_value as metric_value
    inner join run.quarter_in_scope as scope using (quarter)
    inner join methodology.metric as metric
        on scope.framework = metric.framework and metric_value.metric_id = metric.metric_id
    where metric.enters_average
)

select
    quarter,
    organisation_code,
    metric_id,
    case when averaged.metric_id is not null then scores.metric_score_exact is not null end as is_scored,
    coalesce(scores.times_found, 1) as times_found,
    scores.metric_score,
    scores.metric_score_exact,
    cast(round(round(scores.metric_score_exact, 10), 2) as decimal(18, 2)) as expected_score,
    scores.admissible_score_low,
    scores.admissible_score_high,
    scores.score_basis,
    scores.rank_in_pool,
    scores.pool,
    scores.pool_size
from scores
full outer join averaged using (quarter, organisation_code, metric_id)
order by quarter, organisation_code, metric_id
