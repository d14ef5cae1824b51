-- Sensitivity, step 2: each trust's average under each choice. A trust that a choice leaves without any
-- metric has none.
with

sensitivity_choice as (

    select * from {{ ref('sensitivity_choice') }}

),

metric_score_exact as (

    select * from {{ ref('metric_score_exact') }}
    where enters_average

),

domain_average as (

    select * from {{ ref('domain_average') }}

),

organisation_in_quarter as (

    select * from {{ ref('organisation_in_quarter') }}

),

weighted as (

    select
        metric_score_exact.quarter,
        metric_score_exact.framework,
        metric_score_exact.table_name,
        metric_score_exact.organisation_code,
        sensitivity_choice.choice,
        sensitivity_choice.subject,
        count(*) as metric_count,
        {{ weighted_mean('metric_score_exact.score_entering_average', 'metric_score_exact.weight_units') }}
            as average_metric_score_exact
    from metric_score_exact
    inner join sensitivity_choice
        on metric_score_exact.quarter = sensitivity_choice.quarter
    where
        sensitivity_choice.choice <> 'equal_domain_weights'
        and (
            sensitivity_choice.choice <> 'without_metric'
            or metric_score_exact.metric_id <> sensitivity_choice.subject
        )
        and (
            sensitivity_choice.choice <> 'without_domain'
            or metric_score_exact.domain <> sensitivity_choice.subject
        )
    group by
        metric_score_exact.quarter,
        metric_score_exact.framework,
        metric_score_exact.table_name,
        metric_score_exact.organisation_code,
        sensitivity_choice.choice,
        sensitivity_choice.subject

),

every_average as (

    select * from weighted
    union all
    select
        quarter,
        framework,
        table_name,
        organisation_code,
        'equal_domain_weights' as choice,
        'none' as subject,
        sum(metric_count) as metric_count,
        {{ exact('cast(sum(domain_score_exact) as double) / count(*)') }} as average_metric_score_exact
    from domain_average
    group by quarter, framework, table_name, organisation_code

),

final as (

    select
        every_average.quarter,
        every_average.framework,
        every_average.table_name,
        every_average.organisation_code,
        every_average.choice,
        every_average.subject,
        -- who is cut into segments, and ranked, together
        case
            when every_average.choice = 'within_peer_group'
                then
                    every_average.table_name || ': '
                    || coalesce(organisation_in_quarter.organisation_subtype, 'no subtype')
            else 'every table'
        end as compared_with,
        every_average.metric_count,
        every_average.average_metric_score_exact,
        {{ half_up('every_average.average_metric_score_exact') }} as average_metric_score
    from every_average
    inner join organisation_in_quarter
        on {{ same_organisation('every_average', 'organisation_in_quarter') }}

)

select * from final
