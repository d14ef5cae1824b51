-- Step: the counted cells of underlying statistics, for the quarters in scope.
with

statistic_row as (

    select * from {{ source('landing', 'statistic_row') }}

),

quarter_in_scope as (

    select * from {{ source('run', 'quarter_in_scope') }}

),

final as (

    select
        statistic_row.quarter,
        quarter_in_scope.framework,
        statistic_row.source,
        statistic_row.period,
        statistic_row.organisation_code,
        statistic_row.measure,
        statistic_row.value,
        statistic_row.missing_reason,
        statistic_row.extract_id,
        statistic_row.sheet,
        statistic_row.source_row
    from statistic_row
    inner join quarter_in_scope
        on statistic_row.quarter = quarter_in_scope.quarter

)

select * from final
