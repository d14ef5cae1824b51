-- Step: the figures of NHS Oversight Framework league-table files, for the quarters in scope.
with

extract_row as (

    select * from {{ source('landing', 'extract_row') }}

),

quarter_in_scope as (

    select * from {{ source('run', 'quarter_in_scope') }}

),

final as (

    select
        extract_row.quarter,
        quarter_in_scope.framework,
        extract_row.table_name,
        extract_row.organisation_code,
        extract_row.organisation_name,
        extract_row.organisation_subtype,
        extract_row.region,
        extract_row.figure,
        extract_row.reporting_date,
        extract_row.unit,
        extract_row.value,
        extract_row.published_rank,
        extract_row.extract_id,
        extract_row.sheet,
        extract_row.source_row
    from extract_row
    inner join quarter_in_scope
        on extract_row.quarter = quarter_in_scope.quarter
    where extract_row.source = 'nof_league_table'

)

select * from final
