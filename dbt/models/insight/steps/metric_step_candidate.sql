-- Distance, step 2: the better values that an organisation could have in one metric, and the score of each:
-- those that others of its pool have (who takes one shares its rank), the standard itself, and the edges of
-- better bands. The values of a pool that isn't wholly loaded can't say which score they give.
with

metric_value_rule as (

    select * from {{ ref('metric_value_rule') }}

),

metric_pool_rank as (

    select * from {{ ref('metric_pool_rank') }}

),

metric_pool_size as (

    select * from {{ ref('metric_pool_size') }}
    where is_complete

),

metric_score_exact as (

    select * from {{ ref('metric_score_exact') }}

),

metric_value as (

    select * from {{ ref('metric_value') }}

),

rule_band as (

    select * from {{ ref('rule_band') }}
    where band_kind = 'value'

),

value_in_pool as (

    select
        metric_pool_rank.quarter,
        metric_pool_rank.metric_id,
        metric_pool_rank.unit,
        metric_pool_rank.pool,
        metric_pool_rank.rank_best,
        metric_value_rule.rank_key,
        max(metric_value_rule.value) as value
    from metric_pool_rank
    inner join metric_value_rule
        on {{ same_metric_of_organisation('metric_pool_rank', 'metric_value_rule') }}
    group by
        metric_pool_rank.quarter,
        metric_pool_rank.metric_id,
        metric_pool_rank.unit,
        metric_pool_rank.pool,
        metric_pool_rank.rank_best,
        metric_value_rule.rank_key

),

-- who fails a floor stands outside the pool and would make it one larger
pool_candidate as (

    select
        own.quarter,
        own.table_name,
        own.organisation_code,
        own.metric_id,
        value_in_pool.value as candidate_value,
        {{ grid_score(
            'own.score_best', 'own.score_worst', 'value_in_pool.rank_best',
            '(metric_pool_size.ranked_in_pool + case when own.fails_floor then 1 else 0 end)'
        ) }} as candidate_score
    from metric_value_rule as own
    inner join metric_pool_size
        on {{ same_pool('own', 'metric_pool_size') }}
    inner join value_in_pool
        on
            {{ same_pool('own', 'value_in_pool') }}
            and own.rank_key > value_in_pool.rank_key
    where not own.meets_standard

),

standard_candidate as (

    select
        quarter,
        table_name,
        organisation_code,
        metric_id,
        standard as candidate_value,
        {{ exact('score_if_met') }} as candidate_score
    from metric_value_rule
    where rule = 'standard' and not meets_standard

),

-- the edge of a band that lies nearest to what is worse
band_candidate as (

    select
        metric_value.quarter,
        metric_value.table_name,
        metric_value.organisation_code,
        metric_value.metric_id,
        case when metric_value.better = 'high' then rule_band.lower_bound else rule_band.upper_bound end
            as candidate_value,
        {{ exact('rule_band.score') }} as candidate_score
    from metric_value
    inner join metric_score_exact
        on {{ same_metric_of_organisation('metric_value', 'metric_score_exact') }}
    inner join rule_band
        on {{ same_metric_and_unit('metric_value', 'rule_band') }}
    where metric_value.value is not null and rule_band.score < metric_score_exact.metric_score_exact

),

final as (

    select * from pool_candidate
    union all
    select * from standard_candidate
    union all
    select * from band_candidate

)

select * from final
