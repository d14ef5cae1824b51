-- One row per quarter in scope and raw file that the quarter uses, or that has no record at all. Files
-- that only another quarter of the same run uses have no say in this one.
with used as (
    select distinct
        quarter,
        extract_id
    from landing.extract_row
),

set_aside as (
    select
        extract_id,
        count(*) as rows_set_aside,
        min({ 'source_row': source_row, 'reason': reason }) as first
    from landing.row_set_aside
    group by extract_id
)

select
    scope.quarter,
    extract.file_name,
    extract.source,
    extract.table_name,
    extract.rows as records,
    extract.is_sample,
    scope.is_sample as run_is_sample,
    coalesce(set_aside.rows_set_aside, 0) as rows_set_aside,
    struct_extract(set_aside.first, 'source_row') as first_row_set_aside,
    struct_extract(set_aside.first, 'reason') as first_reason
from run.quarter_in_scope as scope
cross join landing.extract as extract
left join used on scope.quarter = used.quarter and extract.extract_id = used.extract_id
left join set_aside on extract.extract_id = set_aside.extract_id
where used.extract_id is not null or extract.rows < 1
order by scope.quarter, extract.file_name, extract.extract_id
