-- The organisations of each quarter as the files of that quarter describe them, one row each.
with

figure as (

    select * from {{ ref('stg_nof_figure') }}

),

final as (

    select
        quarter,
        table_name,
        organisation_code,
        max(organisation_name) as organisation_name,
        max(organisation_subtype) as organisation_subtype,
        max(region) as region
    from figure
    group by quarter, table_name, organisation_code

)

select * from final
