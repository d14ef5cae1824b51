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

organisation_reference as (

    select * from {{ ref('stg_organisation_reference') }}

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
        cast(organisation_successor.effective_date as date) as succeeded_on,
        trust.icb_code,
        board.organisation_name as icb_name,
        trust.opened_on,
        trust.closed_on,
        trust.town,
        trust.postcode
    from organisation_in_quarter
    inner join quarter_in_scope
        on organisation_in_quarter.quarter = quarter_in_scope.quarter
    left join organisation_successor
        on
            organisation_in_quarter.organisation_code = organisation_successor.organisation_code
            and quarter_in_scope.is_sample = organisation_successor.is_sample
    left join organisation_reference as trust
        on
            organisation_in_quarter.organisation_code = trust.organisation_code
            and trust.organisation_kind = 'trust'
    left join organisation_reference as board
        on
            trust.icb_code = board.organisation_code
            and board.organisation_kind = 'icb'

)

select * from final
