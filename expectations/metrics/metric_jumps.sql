-- One row per quarter in scope and metric: the share of its organisations whose value leapt. Where fewer
-- than five can be compared a share says nothing (one of one is 100 %), and quarterly_jumps names them
-- anyway.
with ranges as (
    select
        metric_id,
        unit,
        largest_quarterly_jump
    from reference.plausible_range
),

compared as (
    select
        scope.quarter,
        scope.quarter_before,
        now.metric_id,
        abs(now.value - before.value) > case
            when metric_range.metric_id is not null then metric_range.largest_quarterly_jump
            else unit_range.largest_quarterly_jump
        end as leapt
    from quarter_before as scope
    inner join metrics.metric_value as now on scope.quarter = now.quarter
    inner join metric_history as before
        on
            scope.quarter_before = before.quarter
            and now.organisation_code = before.organisation_code
            and now.metric_id = before.metric_id
            and now.unit = before.unit
    left join
        ranges as metric_range
        on now.metric_id = metric_range.metric_id and now.unit = metric_range.unit
    left join ranges as unit_range on unit_range.metric_id is null and now.unit = unit_range.unit
    where now.value is not null and before.value is not null
)

select
    quarter,
    quarter_before,
    metric_id,
    count(*) as organisations_compared,
    count(*) filter (where leapt) as organisations_that_leapt,
    case when count(*) >= 5 then count(*) filter (where leapt) / count(*) end as share_that_leapt
from compared
where leapt is not null
group by quarter, quarter_before, metric_id
order by quarter, metric_id
