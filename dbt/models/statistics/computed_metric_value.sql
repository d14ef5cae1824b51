-- Step 6: a metric's value from the counts beneath it, at full precision. An organisation whose counts lack a
-- cell or a month has a row with the reason and no value: part of a count is no count.
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

statistic_gap as (

    select * from {{ ref('statistic_gap') }}

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

complete as (

    select
        summed.quarter,
        summed.framework,
        summed.metric_id,
        summed.source,
        summed.organisation_code,
        case when statistic_gap.missing_reason is null then summed.numerator end as numerator,
        case when statistic_gap.missing_reason is null then summed.denominator end as denominator,
        statistic_gap.missing_reason
    from summed
    left join statistic_gap
        on {{ same_metric_of_code('summed', 'statistic_gap') }}
    where
        summed.denominator > 0
        or statistic_gap.missing_reason is not null

),

divided as (

    select
        complete.quarter,
        complete.framework,
        complete.metric_id,
        complete.source,
        complete.organisation_code,
        cast(complete.numerator as decimal(18, 6)) as numerator,
        cast(complete.denominator as decimal(18, 6)) as denominator,
        {{ exact(
            "cast(complete.numerator * metric_statistic.multiplier as double)"
            ~ " / cast(complete.denominator * metric_statistic.divisor as double)"
        ) }} as ratio,
        metric_statistic.precedence,
        metric_statistic.first_rounding_dp,
        metric_statistic.ranked_at_dp,
        metric_statistic.tolerance,
        complete.missing_reason,
        metric.value_dp
    from complete
    inner join metric_statistic
        on {{ same_metric('complete', 'metric_statistic') }}
    inner join metric
        on {{ same_metric('complete', 'metric') }}

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
        missing_reason
    from ranked_at

)

select * from final
