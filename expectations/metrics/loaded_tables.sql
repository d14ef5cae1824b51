-- One row per quarter in scope and table that the framework expects or the files hold. A table without a
-- single row in the files is not loaded: its number of organisations is null, not 0.
with expected as (
    select
        scope.quarter,
        expected.table_name,
        expected.organisations as expected_organisations
    from run.quarter_in_scope as scope
    inner join methodology.expected_organisations as expected
        on
            scope.framework = expected.framework
            and scope.quarter between expected.from_quarter and expected.to_quarter
),

landed as (
    select
        landed_row.quarter,
        landed_row.table_name,
        string_agg(distinct extract.file_name, ', ' order by extract.file_name) as file_names
    from landing.extract_row as landed_row
    inner join run.quarter_in_scope using (quarter)
    left join landing.extract as extract using (extract_id)
    group by landed_row.quarter, landed_row.table_name
),

found as (
    select
        metric_value.quarter,
        metric_value.table_name,
        count(distinct metric_value.organisation_code) as organisations
    from metrics.metric_value as metric_value
    inner join run.quarter_in_scope using (quarter)
    group by metric_value.quarter, metric_value.table_name
),

tables as (
    select
        quarter,
        table_name
    from expected
    union
    select
        quarter,
        table_name
    from landed
    union
    select
        quarter,
        table_name
    from found
)

select
    tables.quarter,
    tables.table_name,
    expected.expected_organisations,
    coalesce(landed.file_names, 'no file') as file_names,
    landed.table_name is not null or found.table_name is not null as is_loaded,
    case
        when
            landed.table_name is not null or found.table_name is not null
            then coalesce(found.organisations, 0)
    end as organisations,
    case
        when landed.table_name is not null or found.table_name is not null
            then expected.expected_organisations is not null
    end as expected_is_known
from tables
left join expected using (quarter, table_name)
left join landed using (quarter, table_name)
left join found using (quarter, table_name)
order by tables.quarter, tables.table_name
