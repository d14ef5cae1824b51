-- Step: organisations as the Organisation Data Service lists them, one row per code.
with

organisation_reference as (

    select * from {{ source('landing', 'organisation_reference') }}

),

final as (

    select
        organisation_kind,
        organisation_code,
        max(organisation_name) as organisation_name,
        max(icb_code) as icb_code,
        max(opened_on) as opened_on,
        max(closed_on) as closed_on,
        max(town) as town,
        max(postcode) as postcode
    from organisation_reference
    group by organisation_kind, organisation_code

)

select * from final
