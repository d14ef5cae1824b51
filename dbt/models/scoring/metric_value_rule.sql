-- Step 2.1: each value meets its rule: who meets a standard or fails a floor is taken out before ranking.
-- `rank_key` is the value turned so that lower is always better.
with

metric_value as (

    select * from {{ ref('metric_value') }}

),

metric_rule as (

    select * from {{ ref('metric_rule') }}
    where rule in ('plain', 'standard', 'floor')

),

metric_pool as (

    select * from {{ ref('metric_pool') }}

),

keyed as (

    select
        metric_value.quarter,
        metric_value.framework,
        metric_value.table_name,
        metric_value.organisation_code,
        metric_value.metric_id,
        metric_value.unit,
        metric_value.value,
        metric_value.value_dp,
        metric_value.published_score,
        metric_value.published_rank,
        metric_rule.rule,
        metric_rule.standard,
        metric_rule.score_best,
        metric_rule.score_worst,
        metric_rule.score_if_met,
        metric_rule.score_if_failed,
        metric_rule.state as rule_state,
        metric_pool.pool,
        metric_pool.state as pool_state,
        case
            when metric_value.better = 'high' then -coalesce(metric_value.rank_value, metric_value.value)
            else coalesce(metric_value.rank_value, metric_value.value)
        end as rank_key,
        case
            when metric_value.better = 'high' then -metric_rule.standard
            else metric_rule.standard
        end as standard_key
    from metric_value
    inner join metric_rule
        on {{ same_metric_and_unit('metric_value', 'metric_rule') }}
    inner join metric_pool
        on
            {{ same_metric('metric_value', 'metric_pool') }}
            and metric_value.table_name = metric_pool.table_name
    where metric_value.value is not null

),

final as (

    select
        keyed.*,
        -- printed on the limit, the unrounded value may lie on either side: the published score tells which
        coalesce(
            rule = 'standard'
            and (
                rank_key < standard_key
                or (
                    rank_key = standard_key
                    and (value_dp is null or coalesce(published_score = score_if_met, true))
                )
            ), false
        ) as meets_standard,
        coalesce(
            rule = 'floor'
            and (
                rank_key > standard_key
                or (rank_key = standard_key and value_dp is not null and published_score = score_if_failed)
            ), false
        ) as fails_floor,
        -- and without one, nothing does
        coalesce(
            value_dp is not null and value = standard and published_score is null, false
        ) as is_on_standard
    from keyed

)

select * from final
