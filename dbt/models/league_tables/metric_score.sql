-- Every metric score with its value, rule, pool and basis.
with

quarter_in_scope as (

    select * from {{ source('run', 'quarter_in_scope') }}

),

metric_score_exact as (

    select * from {{ ref('metric_score_exact') }}

),

metric_value as (

    select * from {{ ref('metric_value') }}

),

metric as (

    select * from {{ ref('metric') }}

),

metric_rule as (

    select * from {{ ref('metric_rule') }}

),

final as (

    select
        quarter_in_scope.quarter,
        quarter_in_scope.release_id,
        quarter_in_scope.is_sample,
        metric_score_exact.table_name,
        metric_score_exact.organisation_code,
        metric_score_exact.metric_id,
        metric.metric_name,
        metric.domain,
        metric_value.value,
        metric_score_exact.unit,
        metric_value.period,
        metric_value.value_source,
        {{ half_up('metric_score_exact.metric_score_exact') }} as metric_score,
        metric_score_exact.metric_score_exact,
        metric_score_exact.admissible_score_low,
        metric_score_exact.admissible_score_high,
        metric_score_exact.score_basis,
        metric_score_exact.score_basis_reason,
        {{ exact(
            'cast(metric_score_exact.weight_numerator as double) / metric_score_exact.weight_denominator'
        ) }} as weight,
        metric_score_exact.enters_average,
        metric_score_exact.score_entering_average,
        metric_rule.rule,
        metric_score_exact.pool,
        cast(metric_score_exact.pool_size as integer) as pool_size,
        cast(metric_score_exact.rank_in_pool as integer) as rank_in_pool,
        metric_score_exact.standard_met
    from metric_score_exact
    inner join quarter_in_scope
        on metric_score_exact.quarter = quarter_in_scope.quarter
    inner join metric
        on {{ same_metric('metric_score_exact', 'metric') }}
    inner join metric_rule
        on {{ same_metric_and_unit('metric_score_exact', 'metric_rule') }}
    left join metric_value
        on {{ same_metric_of_organisation('metric_score_exact', 'metric_value') }}

)

select * from final
