-- Likely ranges, what is drawn from: each organisation's own metric scores, each as often as it can be drawn.
with

metric_score_exact as (

    select * from {{ ref('metric_score_exact') }}
    where enters_average

),

framework_parameter as (

    select * from {{ ref('framework_parameter') }}
    where parameter = 'weight_common_denominator'

),

likely_range_rule as (

    select * from {{ ref('likely_range_rule') }}

),

-- a score that stands for itself, or one of those that together stand for one
scored as (

    select
        metric_score_exact.quarter,
        metric_score_exact.framework,
        metric_score_exact.table_name,
        metric_score_exact.organisation_code,
        case
            when
                likely_range_rule.part_weights_enter = 'as_one'
                and metric_score_exact.weight_units < framework_parameter.value
                then 'part weights'
            else metric_score_exact.metric_id
        end as choice,
        likely_range_rule.part_weights_enter = 'chance_by_weight' as is_drawn_by_weight,
        metric_score_exact.weight_units,
        {{ score_units('metric_score_exact.score_entering_average') }} as score_units
    from metric_score_exact
    inner join framework_parameter
        on metric_score_exact.framework = framework_parameter.framework
    inner join likely_range_rule
        on metric_score_exact.framework = likely_range_rule.framework

),

-- drawn by weight, a score can be drawn as often as it has units of weight and then counts once
final as (

    select
        quarter,
        framework,
        table_name,
        organisation_code,
        choice,
        cast(max(case when is_drawn_by_weight then weight_units else 1 end) as integer) as times,
        cast(
            sum(case when is_drawn_by_weight then score_units else score_units * weight_units end) as bigint
        ) as weighted_score_units,
        cast(sum(case when is_drawn_by_weight then 1 else weight_units end) as integer) as weight_units
    from scored
    group by quarter, framework, table_name, organisation_code, choice

)

select * from final
