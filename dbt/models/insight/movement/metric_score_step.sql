-- Movement: each metric score of who has it in both releases, step by step from the earlier to the later:
-- under the new rule, with the new own value, in the new pool, and as released, which others' values explain.
with

metric_score_pair as (

    select * from {{ ref('metric_score_pair') }}

),

metric_score_new_rule as (

    select * from {{ ref('metric_score_new_rule') }}

),

metric_rule_pair as (

    select * from {{ ref('metric_rule_pair') }}

),

pool_place as (

    select * from {{ ref('pool_place') }}

),

pool_whole_after as (

    select
        quarter,
        release_id,
        release_id_before,
        metric_id,
        unit_after,
        pool_after,
        count(rank_in_pool_after) = max(pool_size_after) as is_whole
    from metric_score_pair
    where pool_after is not null
    group by quarter, release_id, release_id_before, metric_id, unit_after, pool_after

),

joined as (

    select
        metric_score_pair.*,
        metric_rule_pair.score_best,
        metric_rule_pair.score_worst,
        metric_rule_pair.enters_at_dp,
        metric_score_new_rule.is_ranked,
        -- of a pool in which nobody was ranked only the later release says whether it is wholly loaded
        case
            when metric_score_new_rule.is_empty then coalesce(pool_whole_after.is_whole, false)
            else metric_score_new_rule.is_whole
        end as is_whole,
        coalesce(pool_whole_after.is_whole, false) as is_whole_after,
        metric_score_new_rule.rank_under_rule,
        metric_score_new_rule.size_under_rule,
        metric_score_new_rule.score_under_rule,
        coalesce(pool_place.others_ranked, 0) as others_ranked,
        coalesce(pool_place.others_better, 0) as others_better,
        coalesce(pool_place.entrants, 0) as entrants,
        coalesce(pool_place.entrants_better, 0) as entrants_better,
        coalesce(pool_place.leavers, 0) as leavers,
        coalesce(pool_place.leavers_better, 0) as leavers_better,
        pool_place.worst_score_of_better,
        pool_place.best_score_of_worse,
        case
            when metric_score_pair.unit_before <> metric_score_pair.unit_after then 'another rule'
            when metric_score_new_rule.score_under_rule is null then 'another rule'
            when metric_score_pair.pool_before <> metric_score_pair.pool_after then 'another pool'
            -- a band, a matrix, a standard met, a floor failed and a published score are the trust's own
            when
                metric_score_pair.pool_before is null
                or metric_score_pair.pool_after is null then 'own'
            when
                metric_score_pair.rule_after = 'standard'
                and metric_score_pair.standard_met_after then 'own'
            when
                metric_score_pair.rule_after = 'floor'
                and not metric_score_pair.standard_met_after then 'own'
            else 'ranked'
        end as way
    from metric_score_pair
    inner join metric_score_new_rule
        on {{ same_metric_of_pair('metric_score_pair', 'metric_score_new_rule') }}
    left join metric_rule_pair
        on
            {{ same_pair('metric_score_pair', 'metric_rule_pair') }}
            and metric_score_pair.metric_id = metric_rule_pair.metric_id
            and metric_score_pair.unit_after = metric_rule_pair.unit
    left join pool_place
        on
            {{ same_pair('metric_score_pair', 'pool_place') }}
            and metric_score_pair.organisation_code = pool_place.organisation_code
            and metric_score_pair.metric_id = pool_place.metric_id
            and metric_score_pair.unit_after = pool_place.unit
            and metric_score_pair.pool_after = pool_place.pool
    left join pool_whole_after
        on
            {{ same_pair('metric_score_pair', 'pool_whole_after') }}
            and metric_score_pair.metric_id = pool_whole_after.metric_id
            and metric_score_pair.unit_after = pool_whole_after.unit_after
            and metric_score_pair.pool_after = pool_whole_after.pool_after
    where metric_score_pair.is_before and metric_score_pair.is_after

),

-- a value that prints as before keeps its rank; another shares the best place among the values it ties with
own_place as (

    select
        *,
        case
            when is_ranked and rank_key_before = rank_key_after then rank_under_rule
            else 1 + others_better
        end as own_rank,
        case
            when is_ranked and rank_key_before = rank_key_after then size_under_rule
            else 1 + others_ranked
        end as own_size
    from joined

),

own_value as (

    select
        *,
        case
            when way = 'another rule' then metric_score_exact_after
            else score_under_rule
        end as score_after_rule,
        case
            when way in ('another rule', 'own') then metric_score_exact_after
            when way = 'another pool' then score_under_rule
            when is_ranked and rank_key_before = rank_key_after then score_under_rule
            when is_whole then {{ grid_score('score_best', 'score_worst', 'own_rank', 'own_size') }}
            -- in a pool that isn't wholly loaded, the score of the trust whose place it takes
            when rank_key_after < rank_key_before
                then least(score_under_rule, coalesce(best_score_of_worse, score_under_rule))
            when rank_key_after > rank_key_before
                then greatest(score_under_rule, coalesce(worst_score_of_better, score_under_rule))
            else score_under_rule
        end as score_after_value
    from own_place

),

pool_place_after as (

    select
        *,
        own_size + entrants - leavers as size_after_pool,
        greatest(
            1, least(own_rank + entrants_better - leavers_better, own_size + entrants - leavers)
        ) as rank_after_pool
    from own_value

),

final as (

    select
        quarter,
        release_id,
        release_id_before,
        table_name,
        organisation_code,
        metric_id,
        enters_at_dp,
        {{ exact('metric_score_exact_before') }} as score_before,
        {{ exact('score_after_rule') }} as score_after_rule,
        {{ exact('score_after_value') }} as score_after_value,
        {{ exact("""case
            when way = 'another pool' then metric_score_exact_after
            when way = 'ranked' and is_whole and is_whole_after and entrants + leavers > 0
                then """ ~ grid_score('score_best', 'score_worst', 'rank_after_pool', 'size_after_pool') ~ """
            else score_after_value
        end""") }} as score_after_pool,
        {{ exact('metric_score_exact_after') }} as score_after
    from pool_place_after

)

select * from final
