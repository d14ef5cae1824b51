-- Step 2: every metric score of every organisation, whatever its rule, with weight and the score that
-- enters averages (in the first publication some scores entered rounded).
with

metric_score_ranked as (

    select * from {{ ref('metric_score_ranked') }}

),

metric_score_band as (

    select * from {{ ref('metric_score_band') }}

),

combined_finance_score as (

    select * from {{ ref('combined_finance_score') }}

),

metric_score_published as (

    select * from {{ ref('metric_score_published') }}

),

metric as (

    select * from {{ ref('metric') }}

),

framework_parameter as (

    select * from {{ ref('framework_parameter') }}
    where parameter = 'weight_common_denominator'

),

enters_at_dp as (

    select * from {{ ref('enters_at_dp') }}

),

every_score as (

    select
        quarter,
        framework,
        table_name,
        organisation_code,
        metric_id,
        unit,
        pool,
        pool_size,
        rank_in_pool,
        standard_met,
        metric_score_exact,
        admissible_score_low,
        admissible_score_high,
        score_basis,
        score_basis_reason,
        is_exact,
        coalesce(possible_score_low, metric_score_exact) as possible_score_low,
        coalesce(possible_score_high, metric_score_exact) as possible_score_high,
        is_contradicted
    from metric_score_ranked
    union all
    {% for model in ('metric_score_band', 'combined_finance_score', 'metric_score_published') -%}
        select
            quarter,
            framework,
            table_name,
            organisation_code,
            metric_id,
            unit,
            cast(null as string) as pool,
            cast(null as integer) as pool_size,
            cast(null as integer) as rank_in_pool,
            cast(null as boolean) as standard_met,
            metric_score_exact,
            admissible_score_low,
            admissible_score_high,
            score_basis,
            score_basis_reason,
            is_exact,
            metric_score_exact as possible_score_low,
            metric_score_exact as possible_score_high,
            is_contradicted
        from {{ model }}
        {% if not loop.last %}union all{% endif %}
    {% endfor %}
),

final as (

    select
        every_score.*,
        metric.domain,
        metric.enters_average,
        metric.weight_numerator,
        metric.weight_denominator,
        cast(
            metric.weight_numerator * framework_parameter.value / metric.weight_denominator as integer
        ) as weight_units,
        {{ half_up_to('every_score.metric_score_exact', 'enters_at_dp.enters_at_dp') }}
            as score_entering_average
    from every_score
    inner join metric
        on {{ same_metric('every_score', 'metric') }}
    inner join framework_parameter
        on every_score.framework = framework_parameter.framework
    left join enters_at_dp
        on
            {{ same_metric('every_score', 'enters_at_dp') }}
            and every_score.quarter = enters_at_dp.quarter
    where every_score.metric_score_exact is not null

)

select * from final
