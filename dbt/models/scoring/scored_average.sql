-- Step 3.3: what is put into segments: the average metric score and each domain score, in one form.
with

average_metric_score as (

    select * from {{ ref('average_metric_score') }}

),

domain_average as (

    select * from {{ ref('domain_average') }}

),

domain as (

    select * from {{ ref('domain') }}

),

final as (

    select
        quarter,
        framework,
        table_name,
        organisation_code,
        'average' as applies_to,
        cast(null as string) as domain,
        'OF5002' as score_figure,
        'OF5003' as segment_figure,
        average_metric_score_exact as score_exact,
        average_metric_score as score,
        is_exact
    from average_metric_score
    union all
    select
        domain_average.quarter,
        domain_average.framework,
        domain_average.table_name,
        domain_average.organisation_code,
        'domain' as applies_to,
        domain_average.domain,
        domain.score_figure,
        domain.segment_figure,
        domain_average.domain_score_exact as score_exact,
        domain_average.domain_score as score,
        domain_average.is_exact
    from domain_average
    inner join domain
        on
            domain_average.framework = domain.framework
            and domain_average.domain = domain.domain

)

select * from final
