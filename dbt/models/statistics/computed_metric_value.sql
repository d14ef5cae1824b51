-- Step 6: a metric's value from the counts beneath it, at full precision. A quarter that lacks one of its
-- months gives no value.
with

statistic_cell as (

    select * from {{ ref('statistic_cell') }}

),

metric_statistic as (

    select * from {{ ref('metric_statistic') }}

),

metric as (

    select * from {{ ref('metric') }}

),

month_count as (

    select
        quarter,
        metric_id,
        count(distinct period) as months
    from statistic_cell
    group by quarter, metric_id

),

summed as (

    select
        quarter,
        framework,
        metric_id,
        source,
        organisation_code,
        sum(case when part = 'numerator' then signed_value else 0 end) as numerator,
        sum(case when part = 'denominator' then signed_value else 0 end) as denominator
    from statistic_cell
    group by quarter, framework, metric_id, source, organisation_code

),

divided as (

    select
        summed.quarter,
        summed.framework,
        summed.metric_id,
        summed.source,
        summed.organisation_code,
        cast(summed.numerator as decimal(18, 6)) as numerator,
        cast(summed.denominator as decimal(18, 6)) as denominator,
        {{ exact(
            "cast(summed.numerator * metric_statistic.multiplier as double)"
            ~ " / cast(summed.denominator * metric_statistic.divisor as double)"
        ) }} as ratio,
        metric_statistic.precedence,
        metric_statistic.first_rounding_dp,
        metric_statistic.ranked_at_dp,
        metric_statistic.tolerance,
        metric_statistic.known_difference,
        metric.value_dp
    from summed
    inner join metric_statistic
        on
            summed.framework = metric_statistic.framework
            and summed.metric_id = metric_statistic.metric_id
    inner join metric
        on
            summed.framework = metric.framework
            and summed.metric_id = metric.metric_id
    inner join month_count
        on
            summed.quarter = month_count.quarter
            and summed.metric_id = month_count.metric_id
    where
        summed.denominator > 0
        and (metric_statistic.covers = 'latest month' or month_count.months = 3)

),

first_rounded as (

    select
        *,
        {{ half_up_to('ratio', 'first_rounding_dp') }} as first_rounded
    from divided

),

ranked_at as (

    select
        *,
        {{ half_up_to('first_rounded', 'ranked_at_dp') }} as rank_value
    from first_rounded

),

final as (

    select
        quarter,
        framework,
        metric_id,
        source,
        organisation_code,
        numerator,
        denominator,
        rank_value,
        {{ half_up_to('rank_value', 'value_dp') }} as printed_value,
        precedence,
        tolerance,
        known_difference
    from ranked_at

)

select * from final
