-- One row per organisation and metric whose value can be compared with the quarter before (same unit).
with files as (
    select
        extract_id,
        min(file_name) as file_name
    from landing.extract
    group by extract_id
),

ranges as (
    select
        metric_id,
        unit,
        largest_quarterly_jump
    from reference.plausible_range
),

limits as (
    select
        metric_value.*,
        scope.quarter_before,
        case
            when metric_range.metric_id is not null
                then metric_range.largest_quarterly_jump
            else unit_range.largest_quarterly_jump
        end as largest_jump
    from metrics.metric_value as metric_value
    inner join quarter_before as scope using (quarter)
    left join ranges as metric_range
        on metric_value.metric_id = metric_range.metric_id and metric_value.unit = metric_range.unit
    left join ranges as unit_range on unit_range.metric_id is null and metric_value.unit = unit_range.unit
)

select
    now.quarter,
    coalesce(files.file_name, 'no file') as file_name,
    now.source_row,
    now.organisation_code,
    now.metric_id,
    now.unit,
    now.value,
    now.quarter_before,
    before.value as value_before,
    abs(now.value - before.value) as jump,
    now.largest_jump
from limits as now
inner join metric_history as before
    on
        now.quarter_before = before.quarter
        and now.organisation_code = before.organisation_code
        and now.metric_id = before.metric_id
        and now.unit = before.unit
left join files using (extract_id)
where now.value is not null and before.value is not null and now.largest_jump is not null
order by now.quarter, now.metric_id, now.organisation_code
