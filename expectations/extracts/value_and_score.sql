-- One row per organisation and metric of the quarters in scope: whether value and score were both
-- published.
with files as (
    select
        extract_id,
        min(file_name) as file_name
    from landing.extract
    group by extract_id
),

published as (
    select
        scope.quarter,
        scope.framework,
        landed.table_name,
        landed.organisation_code,
        'OF0' || right(landed.figure, 3) as metric_id,
        left(landed.figure, 3) = 'OF0' as is_value,
        landed.source_row,
        coalesce(files.file_name, 'unknown file') as file_name
    from landing.extract_row as landed
    inner join run.quarter_in_scope as scope using (quarter)
    left join files using (extract_id)
    where
        landed.source = 'nof_data'
        and landed.value is not null
        and regexp_full_match(landed.figure, 'OF[01][0-9]{3}')
),

paired as (
    select
        quarter,
        framework,
        table_name,
        organisation_code,
        metric_id,
        bool_or(is_value) as has_value,
        bool_or(not is_value) as has_score,
        min({ 'file_name': file_name, 'source_row': source_row }) as first
    from published
    group by quarter, framework, table_name, organisation_code, metric_id
)

select
    paired.quarter,
    paired.table_name,
    paired.organisation_code,
    paired.metric_id,
    'OF1' || right(paired.metric_id, 3) as score_id,
    struct_extract(paired.first, 'file_name') as file_name,
    struct_extract(paired.first, 'source_row') as source_row,
    case when paired.has_value and metric.enters_average then paired.has_score end as value_has_score,
    case when paired.has_score and not metric.score_only then paired.has_value end as score_has_value
from paired
inner join methodology.metric as metric using (framework, metric_id)
order by paired.quarter, file_name, source_row, paired.metric_id
