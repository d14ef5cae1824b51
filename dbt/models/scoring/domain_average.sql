-- Step 3.2: the domain score: the same mean inside one domain.
with

metric_score_exact as (

    select * from {{ ref('metric_score_exact') }}
    where enters_average

),

averaged as (

    select
        quarter,
        framework,
        table_name,
        organisation_code,
        domain,
        count(*) as metric_count,
        min(case when is_exact then 1 else 0 end) = 1 as is_exact,
        {{ weighted_mean('score_entering_average', 'weight_units') }} as domain_score_exact
    from metric_score_exact
    group by quarter, framework, table_name, organisation_code, domain

),

final as (

    select
        quarter,
        framework,
        table_name,
        organisation_code,
        domain,
        cast(metric_count as integer) as metric_count,
        is_exact,
        domain_score_exact,
        {{ half_up('domain_score_exact') }} as domain_score
    from averaged

)

select * from final
