-- Step 2.3: scores that the values at hand can't give: score-only metrics, and scores published without
-- a value.
with

metric_value as (

    select * from {{ ref('metric_value') }}

),

metric as (

    select * from {{ ref('metric') }}

),

metric_rule as (

    select * from {{ ref('metric_rule') }}
    where rule = 'matrix'

),

final as (

    select
        metric_value.quarter,
        metric_value.framework,
        metric_value.table_name,
        metric_value.organisation_code,
        metric_value.metric_id,
        metric_value.unit,
        {{ exact('metric_value.published_score') }} as metric_score_exact,
        {{ exact('metric_value.published_score') }} as admissible_score_low,
        {{ exact('metric_value.published_score') }} as admissible_score_high,
        'published' as score_basis,
        case
            when metric.score_only then 'published as a score only'
            else 'no value is published beside the score'
        end as score_basis_reason,
        true as is_exact,
        false as is_contradicted
    from metric_value
    inner join metric
        on {{ same_metric('metric_value', 'metric') }}
    left join metric_rule
        on {{ same_metric('metric_value', 'metric_rule') }}
    where
        metric_value.value is null
        and metric_value.published_score is not null
        and metric_rule.metric_id is null

)

select * from final
