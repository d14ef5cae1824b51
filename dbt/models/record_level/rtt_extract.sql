-- Record level: the counts as the publisher's full extract has them: a row per provider, commissioner and treatment
-- function, and C_999 for all of these together; a column per weekly band.
with

counted as (

    select * from {{ ref('rtt_pathway_count') }}

),

provider as (

    select
        provider_code,
        max(provider_name) as provider_name
    from counted
    group by provider_code

),

every_function as (

    select
        snapshot_date,
        provider_code,
        commissioner_code,
        treatment_function_code,
        weeks,
        pathways
    from counted
    union all
    select
        snapshot_date,
        provider_code,
        commissioner_code,
        'C_999' as treatment_function_code,
        weeks,
        pathways
    from counted

),

final as (

    select
        every_function.snapshot_date,
        every_function.provider_code,
        max(provider.provider_name) as provider_name,
        every_function.commissioner_code,
        every_function.treatment_function_code,
        {% for week in range(105) -%}
            cast(sum(case when every_function.weeks = {{ week }} then every_function.pathways else 0 end) as bigint)
                as weeks_{{ week }},
        {% endfor -%}
        cast(sum(every_function.pathways) as bigint) as pathways
    from every_function
    inner join provider
        on every_function.provider_code = provider.provider_code
    group by
        every_function.snapshot_date,
        every_function.provider_code,
        every_function.commissioner_code,
        every_function.treatment_function_code

)

select * from final
