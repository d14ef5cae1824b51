-- Record level: incomplete pathways by census, provider, commissioner, treatment function and weekly band:
-- all that could be counted, less those that stand there more than once. No row is joined with another.
with

pathway as (

    select * from {{ ref('rtt_pathway') }}
    where reason is null

),

repeated as (

    select * from {{ ref('rtt_repeated_row') }}

),

summed as (

    select
        snapshot_date,
        provider_code,
        max(provider_name) as provider_name,
        commissioner_code,
        treatment_function_code,
        weeks,
        count(*) as pathways
    from pathway
    group by snapshot_date, provider_code, commissioner_code, treatment_function_code, weeks
    union all
    select
        snapshot_date,
        provider_code,
        cast(null as string) as provider_name,
        commissioner_code,
        treatment_function_code,
        weeks,
        -count(*) as pathways
    from repeated
    group by snapshot_date, provider_code, commissioner_code, treatment_function_code, weeks

),

final as (

    select
        snapshot_date,
        provider_code,
        max(provider_name) as provider_name,
        commissioner_code,
        treatment_function_code,
        weeks,
        cast(sum(pathways) as bigint) as pathways
    from summed
    group by snapshot_date, provider_code, commissioner_code, treatment_function_code, weeks
    having sum(pathways) > 0

)

select * from final
