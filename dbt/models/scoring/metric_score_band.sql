-- Step 2.3: metrics scored by bands of their value: planned surplus, variance to plan, counts of infections.
with

metric_value as (

    select * from {{ ref('metric_value') }}

),

metric_rule as (

    select * from {{ ref('metric_rule') }}
    where rule = 'band'

),

rule_band as (

    select * from {{ ref('rule_band') }}
    where band_kind = 'value'

),

banded_value as (

    select
        metric_value.quarter,
        metric_value.framework,
        metric_value.table_name,
        metric_value.organisation_code,
        metric_value.metric_id,
        metric_value.unit,
        metric_value.value,
        metric_value.published_score,
        metric_rule.state in ('stated', 'verified') as is_firm_rule,
        -- how far the unrounded value may lie from the printed one
        case
            when metric_value.value_dp is null then cast(0 as decimal(18, 6))
            else cast(0.5 * power(10, -metric_value.value_dp) as decimal(18, 6))
        end as half_unit
    from metric_value
    inner join metric_rule
        on {{ same_metric_and_unit('metric_value', 'metric_rule') }}
    where metric_value.value is not null

),

band_reached as (

    select
        banded_value.*,
        rule_band.score,
        {{ lies_in_band('banded_value.value', 'rule_band') }} as holds_value
    from banded_value
    inner join rule_band
        on
            {{ same_metric_and_unit('banded_value', 'rule_band') }}
            and (
                rule_band.lower_bound is null
                or banded_value.value + banded_value.half_unit >= rule_band.lower_bound
            )
            and (
                rule_band.upper_bound is null
                or banded_value.value - banded_value.half_unit <= rule_band.upper_bound
            )

),

scored as (

    select
        quarter,
        framework,
        table_name,
        organisation_code,
        metric_id,
        unit,
        published_score,
        is_firm_rule,
        max(case when holds_value then score end) as band_score,
        min(case when holds_value or half_unit > 0 then score end) as score_low,
        max(case when holds_value or half_unit > 0 then score end) as score_high
    from band_reached
    group by
        quarter, framework, table_name, organisation_code, metric_id, unit, published_score, is_firm_rule

),

final as (

    select
        quarter,
        framework,
        table_name,
        organisation_code,
        metric_id,
        unit,
        {{ exact(
            'case when published_score between score_low and score_high then published_score else band_score end'
        ) }} as metric_score_exact,
        {{ exact('score_low') }} as admissible_score_low,
        {{ exact('score_high') }} as admissible_score_high,
        case
            when published_score <> band_score and published_score between score_low and score_high
                then 'resolved'
            else 'computed'
        end as score_basis,
        case
            when published_score <> band_score and published_score between score_low and score_high
                then 'the value stands on the edge of a band as printed; the published score is taken'
            when published_score <> band_score then 'the published score is not one that the value admits'
            else 'band of the value'
        end as score_basis_reason,
        true as is_exact,
        is_firm_rule
        and coalesce(published_score not between score_low and score_high, false) as is_contradicted
    from scored

)

select * from final
