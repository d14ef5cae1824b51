-- One row per table and summary figure (average, segments, flags) that a data file of the quarter holds: how many
-- organisations of the table have it.
with data_row as (
    select
        landed.quarter,
        landed.table_name,
        landed.organisation_code,
        landed.figure,
        coalesce(extract.file_name, 'unknown file') as file_name
    from landing.extract_row as landed
    inner join run.quarter_in_scope using (quarter)
    left join landing.extract using (extract_id)
    where landed.source = 'nof_data'
),

table_size as (
    select
        quarter,
        table_name,
        string_agg(distinct file_name, ', ' order by file_name) as file_names,
        count(distinct organisation_code) as organisations
    from data_row
    group by quarter, table_name
),

summary_figure as (
    select distinct
        quarter,
        figure
    from data_row
    where figure like 'OF5%'
),

counted as (
    select
        quarter,
        table_name,
        figure,
        count(distinct organisation_code) as with_figure
    from data_row
    group by quarter, table_name, figure
),

lacking as (
    select
        table_size.quarter,
        table_size.table_name,
        summary_figure.figure,
        min(data_row.organisation_code) as first_lacking
    from table_size
    inner join summary_figure using (quarter)
    inner join (
        select distinct
            quarter,
            table_name,
            organisation_code
        from data_row
    ) as data_row using (quarter, table_name)
    left join data_row as found
        on
            table_size.quarter = found.quarter
            and table_size.table_name = found.table_name
            and summary_figure.figure = found.figure
            and data_row.organisation_code = found.organisation_code
    where found.figure is null
    group by table_size.quarter, table_size.table_name, summary_figure.figure
)

select
    table_size.quarter,
    table_size.table_name,
    summary_figure.figure,
    table_size.file_names,
    table_size.organisations,
    coalesce(counted.with_figure, 0) as with_figure,
    coalesce(counted.with_figure, 0) in (0, table_size.organisations) as is_for_all_or_none,
    counted.with_figure is not null as table_has_it,
    lacking.first_lacking
from table_size
inner join summary_figure using (quarter)
left join counted
    on
        table_size.quarter = counted.quarter
        and table_size.table_name = counted.table_name
        and summary_figure.figure = counted.figure
left join lacking
    on
        table_size.quarter = lacking.quarter
        and table_size.table_name = lacking.table_name
        and summary_figure.figure = lacking.figure
order by table_size.quarter, table_size.table_name, summary_figure.figure
