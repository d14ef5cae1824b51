-- The metrics of the quarter's framework: direction, unit, precision, weight and rule state.
{{ config(alias='metric') }}
with

quarter_in_scope as (

    select * from {{ source('run', 'quarter_in_scope') }}

),

metric as (

    select * from {{ ref('metric') }}

),

final as (

    select
        quarter_in_scope.quarter,
        quarter_in_scope.release_id,
        quarter_in_scope.is_sample,
        metric.framework,
        metric.metric_id,
        metric.metric_name,
        metric.domain,
        metric.better,
        metric.unit,
        metric.value_dp,
        metric.period,
        metric.score_only,
        metric.enters_average,
        metric.weight_numerator,
        metric.weight_denominator,
        metric.state,
        metric.source
    from metric
    inner join quarter_in_scope
        on metric.framework = quarter_in_scope.framework

)

select * from final
