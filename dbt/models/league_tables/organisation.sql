-- Organisations of the quarter: names, table and place, and who succeeded those that ended.
with

quarter_in_scope as (

    select * from {{ source('run', 'quarter_in_scope') }}

),

organisation_in_quarter as (

    select * from {{ ref('organisation_in_quarter') }}

),

organisation_successor as (

    select * from {{ ref('organisation_successor') }}

),

final as (

    select
        quarter_in_scope.quarter,
        quarter_in_scope.release_id,
        quarter_in_scope.is_sample,
        organisation_in_quarter.organisation_code,
        organisation_in_quarter.organisation_name,
        organisation_in_quarter.table_name,
        organisation_in_quarter.organisation_subtype,
        organisation_in_quarter.region,
        organisation_successor.successor_code,
        organisation_successor.effective_date as succeeded_on
    from organisation_in_quarter
    inner join quarter_in_scope
        on organisation_in_quarter.quarter = quarter_in_scope.quarter
    left join organisation_successor
        on
            organisation_in_quarter.organisation_code = organisation_successor.organisation_code
            and quarter_in_scope.is_sample = organisation_successor.is_sample

)

select * from final
