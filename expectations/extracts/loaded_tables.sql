-- One row per quarter in scope and table that the quarter's files are about, with what they hold of it;
-- and one for a table that has files without a single row. Files of other quarters in the same run have
-- no say in this one.
with of_the_quarter as (
    select
        landed.quarter,
        landed.table_name,
        coalesce(string_agg(distinct extract.file_name, ', ' order by extract.file_name), 'unknown file')
            as file_names,
        count(*) as rows_of_quarter,
        count(*) filter (where landed.source = 'nof_data') as data_rows,
        count(*) filter (where landed.source = 'nof_league_table') as league_rows
    from landing.extract_row as landed
    inner join run.quarter_in_scope using (quarter)
    left join landing.extract as extract using (extract_id)
    group by landed.quarter, landed.table_name
),

without_rows as (
    select
        extract.table_name,
        string_agg(distinct extract.file_name, ', ' order by extract.file_name) as file_names
    from landing.extract as extract
    where extract.table_name not in (select landed.table_name from landing.extract_row as landed)
    group by extract.table_name
)

select
    quarter,
    table_name,
    file_names,
    rows_of_quarter,
    data_rows,
    league_rows,
    data_rows = 0 as league_table_alone
from of_the_quarter
union all
select
    scope.quarter,
    without_rows.table_name,
    without_rows.file_names,
    0 as rows_of_quarter,
    0 as data_rows,
    0 as league_rows,
    null as league_table_alone
from run.quarter_in_scope as scope
cross join without_rows
order by quarter, table_name
