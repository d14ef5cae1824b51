-- Sensitivity, step 1: the choices that the tables could have been made with instead: each metric or domain
-- left out, no override, every domain alike, each trust among its peers; and the official one, to compare
-- with.
with

metric_score_exact as (

    select * from {{ ref('metric_score_exact') }}
    where enters_average

),

plain_choice as (

    select 'official' as choice
    union all
    select 'without_override' as choice
    union all
    select 'equal_domain_weights' as choice
    union all
    select 'within_peer_group' as choice

),

final as (

    select distinct
        metric_score_exact.quarter,
        metric_score_exact.framework,
        plain_choice.choice,
        'none' as subject
    from metric_score_exact
    cross join plain_choice
    union all
    select distinct
        quarter,
        framework,
        'without_metric' as choice,
        metric_id as subject
    from metric_score_exact
    union all
    select distinct
        quarter,
        framework,
        'without_domain' as choice,
        domain as subject
    from metric_score_exact

)

select * from final
