-- For how many quarters in a row each organisation has been where it is: in the same segment, in 3 or worse
-- by any name, and whether that counts as persistent. A view, as it compares quarters; a missing quarter
-- ends a row.
{{ config(materialized='view') }}
with

league_table as (

    select * from {{ ref('league_table') }}

),

insight_parameter as (

    select * from {{ ref('insight_parameter') }}
    where parameter = 'persistent_quarters'

),

numbered as (

    select
        quarter,
        release_id,
        is_sample,
        framework,
        table_name,
        organisation_code,
        coalesce(final_segment, adjusted_segment) as segment,
        {{ quarter_number('quarter') }} as quarter_number
    from league_table

),

-- within one run of adjacent quarters in one segment the number of the quarter grows as the place does
grouped as (

    select
        *,
        quarter_number - row_number() over (
            partition by organisation_code, is_sample, segment
            order by quarter_number
        ) as run_of_quarters
    from numbered

),

counted as (

    select
        *,
        row_number() over (
            partition by organisation_code, is_sample, segment, run_of_quarters
            order by quarter_number
        ) as quarters_in_segment
    from grouped

),

final as (

    select
        counted.quarter,
        counted.release_id,
        counted.is_sample,
        counted.table_name,
        counted.organisation_code,
        counted.segment,
        cast(counted.quarters_in_segment as integer) as quarters_in_segment,
        counted.quarters_in_segment >= insight_parameter.value as is_persistent,
        cast(insight_parameter.value as integer) as persistent_quarters,
        insight_parameter.state as persistent_quarters_state
    from counted
    inner join insight_parameter
        on counted.framework = insight_parameter.framework

)

select * from final
