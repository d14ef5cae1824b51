-- One row per organisation and quarter in scope: the tables and files in which it stands.
with files as (
    select
        extract_id,
        min(file_name) as file_name
    from landing.extract
    group by extract_id
),

sightings as (
    select
        landed.quarter,
        landed.organisation_code,
        landed.table_name,
        landed.source,
        coalesce(files.file_name, 'unknown file') as file_name,
        min(landed.source_row) as source_row
    from landing.extract_row as landed
    inner join run.quarter_in_scope using (quarter)
    left join files using (extract_id)
    group by landed.quarter, landed.organisation_code, landed.table_name, landed.source, files.file_name
),

tables as (
    select
        quarter,
        table_name
    from sightings
    group by quarter, table_name
    having count(distinct source) = 2
)

select
    sightings.quarter,
    sightings.organisation_code,
    count(distinct sightings.table_name) as tables_found,
    string_agg(
        sightings.table_name || ' in ' || sightings.file_name || ', row ' || sightings.source_row, '; '
        order by sightings.table_name, sightings.file_name, sightings.source_row
    ) as where_found,
    case when bool_or(tables.table_name is not null) then count(distinct sightings.source) end
        as kinds_of_file
from sightings
left join tables using (quarter, table_name)
group by sightings.quarter, sightings.organisation_code
order by sightings.quarter, sightings.organisation_code
