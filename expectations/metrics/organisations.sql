-- One row per organisation of the quarter, and per organisation of the quarter before that is gone from a
-- table that is loaded.
with files as (
    select
        extract_id,
        min(file_name) as file_name
    from landing.extract
    group by extract_id
),

here as (
    select
        metric_value.quarter,
        metric_value.organisation_code,
        min(metric_value.organisation_name) as organisation_name,
        min(metric_value.table_name) as table_name,
        min({
            'file_name': files.file_name,
            'source_row': coalesce(metric_value.source_row, metric_value.score_source_row)
        }) as first
    from metrics.metric_value as metric_value
    inner join run.quarter_in_scope using (quarter)
    left join files on coalesce(metric_value.extract_id, metric_value.score_extract_id) = files.extract_id
    group by metric_value.quarter, metric_value.organisation_code
),

before as (
    select distinct
        scope.quarter,
        scope.quarter_before,
        scope.is_sample,
        metric_history.organisation_code,
        metric_history.table_name
    from quarter_before as scope
    inner join metric_history on scope.quarter_before = metric_history.quarter
),

-- The day after the quarter's last: a merger that takes effect later doesn't explain why a code is gone now.
quarter_ends as (
    select
        quarter,
        make_date(cast(left(quarter, 4) as integer), 4, 1) + to_months(3 * cast(right(quarter, 1) as integer))
            as next_quarter_starts
    from run.quarter_in_scope
),

gone as (
    select
        before.quarter,
        before.quarter_before,
        before.organisation_code,
        before.table_name,
        exists(
            select 1
            from reference.organisation_successor as successor
            where
                successor.organisation_code = before.organisation_code
                and successor.is_sample = before.is_sample
                and cast(successor.effective_date as date) < quarter_ends.next_quarter_starts
        ) as has_a_successor
    from before
    inner join quarter_ends using (quarter)
    where
        not exists (
            select 1 from here
            where here.quarter = before.quarter and here.organisation_code = before.organisation_code
        )
        and exists (
            select 1 from here
            where here.quarter = before.quarter and here.table_name = before.table_name
        )
)

select
    quarter,
    null as quarter_before,
    organisation_code,
    organisation_name,
    table_name,
    coalesce(struct_extract(first, 'file_name'), 'no file') as file_name,
    struct_extract(first, 'source_row') as source_row,
    null as gone_has_a_successor
from here
union all
select
    quarter,
    quarter_before,
    organisation_code,
    null as organisation_name,
    table_name,
    null as file_name,
    null as source_row,
    has_a_successor
from gone
order by quarter, organisation_code
