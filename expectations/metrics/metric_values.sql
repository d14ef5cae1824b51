-- One row per organisation and metric of the quarters in scope, with the range in which its value is
-- plausible. A range for the metric goes before the range for the unit.
with files as (
    select
        extract_id,
        min(file_name) as file_name
    from landing.extract
    group by extract_id
),

metric_range as (
    select * from reference.plausible_range
    where metric_id is not null
),

unit_range as (
    select * from reference.plausible_range
    where metric_id is null
),

rules as (
    select distinct
        framework,
        metric_id,
        unit
    from methodology.metric_rule
)

select
    metric_value.quarter,
    coalesce(files.file_name, 'no file') as file_name,
    coalesce(metric_value.source_row, metric_value.score_source_row) as source_row,
    metric_value.table_name,
    metric_value.organisation_code,
    metric_value.metric_id,
    metric_value.unit,
    metric_value.value,
    case when metric_range.metric_id is not null then metric_range.lowest else unit_range.lowest end
        as lowest,
    case when metric_range.metric_id is not null then metric_range.highest else unit_range.highest end
        as highest,
    count(*) over (
        partition by metric_value.quarter, metric_value.organisation_code, metric_value.metric_id
    ) as times_found,
    metric_value.value is not null or metric_value.published_score is not null as has_a_figure,
    case when metric_value.value is not null then rules.unit is not null end as unit_has_a_rule,
    case
        when metric_value.value is not null then metric_range.unit is not null or unit_range.unit is not null
    end as range_is_known
from metrics.metric_value as metric_value
inner join run.quarter_in_scope as scope using (quarter)
left join files on coalesce(metric_value.extract_id, metric_value.score_extract_id) = files.extract_id
left join metric_range
    on metric_value.metric_id = metric_range.metric_id and metric_value.unit = metric_range.unit
left join unit_range on metric_value.unit = unit_range.unit
left join rules
    on
        scope.framework = rules.framework
        and metric_value.metric_id = rules.metric_id
        and metric_value.unit = rules.unit
order by metric_value.quarter, file_name, source_row, metric_value.organisation_code, metric_value.metric_id
