-- One row per organisation whose deficit flag the publisher gives, with its planned surplus or deficit and its
-- variance to plan: deepest deficit first. They say much the same, but not always.
with files as (
    select
        extract_id,
        min(file_name) as file_name
    from landing.extract
    group by extract_id
),

flags as (
    select
        landed.quarter,
        scope.framework,
        landed.table_name,
        landed.organisation_code,
        min(landed.value) as flag,
        min({ 'source_row': landed.source_row, 'file_name': coalesce(files.file_name, 'unknown file') }) as first
    from landing.extract_row as landed
    inner join run.quarter_in_scope as scope using (quarter)
    left join files using (extract_id)
    where landed.figure = 'OF5004' and landed.source = 'nof_data'
    group by landed.quarter, scope.framework, landed.table_name, landed.organisation_code
),

finances as (
    select
        flags.quarter,
        flags.organisation_code,
        max(metric_value.value) filter (where matrix_input.axis = 'planned') as planned,
        max(metric_value.value) filter (where matrix_input.axis = 'variance') as variance
    from flags
    inner join methodology.matrix_input as matrix_input using (framework)
    inner join metrics.metric_value as metric_value
        on
            flags.quarter = metric_value.quarter
            and flags.organisation_code = metric_value.organisation_code
            and matrix_input.input_metric_id = metric_value.metric_id
    group by flags.quarter, flags.organisation_code
)

select
    flags.quarter,
    flags.table_name,
    flags.organisation_code,
    struct_extract(flags.first, 'file_name') as file_name,
    struct_extract(flags.first, 'source_row') as source_row,
    flags.flag,
    finances.planned,
    finances.variance,
    case when flags.flag = 0 then not (finances.planned < 0 or finances.variance < 0) end as no_deficit_is_seen,
    case when flags.flag = 1 then finances.planned < 0 or finances.variance < 0 end as a_deficit_is_seen
from flags
inner join finances using (quarter, organisation_code)
order by flags.quarter, least(finances.planned, finances.variance), flags.organisation_code
