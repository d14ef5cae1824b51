-- One row per quarter in scope and table that has a file, with what its files hold of that quarter.
with files as (
    select
        table_name,
        string_agg(distinct file_name, ', ' order by file_name) as file_names
    from landing.extract
    where table_name is not null
    group by table_name
),

quarters as (
    select
        table_name,
        count(*) as rows_of_any_quarter,
        string_agg(distinct quarter, ', ' order by quarter) as quarters_in_files
    from landing.extract_row
    group by table_name
),

of_the_quarter as (
    select
        quarter,
        table_name,
        count(*) as rows_of_quarter,
        count(*) filter (where source = 'nof_data') as data_rows,
        count(*) filter (where source = 'nof_league_table') as league_rows
    from landing.extract_row
    group by quarter, table_name
)

select
    scope.quarter,
    files.table_name,
    files.file_names,
    coalesce(quarters.rows_of_any_quarter, 0) as rows_of_any_quarter,
    quarters.quarters_in_files,
    coalesce(of_the_quarter.rows_of_quarter, 0) as rows_of_quarter,
    coalesce(of_the_quarter.data_rows, 0) as data_rows,
    coalesce(of_the_quarter.league_rows, 0) as league_rows,
    coalesce(of_the_quarter.league_rows > 0 and of_the_quarter.data_rows = 0, false) as league_table_alone
from run.quarter_in_scope as scope
cross join files
left join quarters using (table_name)
left join
    of_the_quarter
    on of_the_quarter.quarter = scope.quarter and of_the_quarter.table_name = files.table_name
order by scope.quarter, files.table_name
