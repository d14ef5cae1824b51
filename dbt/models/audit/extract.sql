-- The raw files that the quarter's figures were read from.
with

quarter_in_scope as (

    select * from {{ source('run', 'quarter_in_scope') }}

),

extract as (

    select * from {{ source('landing', 'extract') }}

),

extract_row as (

    select * from {{ source('landing', 'extract_row') }}

),

statistic_row as (

    select * from {{ source('landing', 'statistic_row') }}

),

organisation_reference as (

    select * from {{ source('landing', 'organisation_reference') }}

),

-- a list of organisations belongs to every quarter
row_in_quarter as (

    select
        quarter,
        extract_id,
        sheet,
        source_row
    from extract_row
    union
    select
        quarter,
        extract_id,
        sheet,
        source_row
    from statistic_row
    union
    select
        quarter_in_scope.quarter,
        organisation_reference.extract_id,
        cast(null as string) as sheet,
        organisation_reference.source_row
    from organisation_reference
    cross join quarter_in_scope

),

extract_in_quarter as (

    select
        quarter,
        extract_id,
        count(*) as rows_in_quarter
    from row_in_quarter
    group by quarter, extract_id

),

final as (

    select
        quarter_in_scope.quarter,
        quarter_in_scope.release_id,
        quarter_in_scope.is_sample,
        extract.extract_id,
        extract.source,
        extract.file_name,
        extract.publisher,
        extract.licence,
        extract.bytes,
        cast(extract.rows as integer) as rows,
        cast(extract_in_quarter.rows_in_quarter as integer) as rows_in_quarter,
        extract.release_state,
        extract.supersedes
    from extract_in_quarter
    inner join quarter_in_scope
        on extract_in_quarter.quarter = quarter_in_scope.quarter
    inner join extract
        on extract_in_quarter.extract_id = extract.extract_id

)

select * from final
