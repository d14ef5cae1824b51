-- One row per raw file used and quarter in scope.
with set_aside as (
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
left join set_aside using (extract_id)
order by scope.quarter, extract.file_name, extract.extract_id
