-- Distance, step 3: better values that an organisation could have in one metric, and the score of each: of
-- those that others of its pool have (who takes one shares its rank) the nearest that brings the average
-- into the next better segment, the standard itself, and the edges of better bands. The values of a pool
-- that isn't wholly loaded can't say which score they give.
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

metric_score_needed as (

    select * from {{ ref('metric_score_needed') }}

),

metric_value as (

    select * from {{ ref('metric_value') }}

),

rule_band as (

    select * from {{ ref('rule_band') }}
    where band_kind = 'value'

),

-- the distinct values of a pool, numbered from the best
value_in_pool as (

    select
        metric_pool_rank.quarter,
        metric_pool_rank.metric_id,
        metric_pool_rank.unit,
        metric_pool_rank.pool,
        metric_pool_rank.rank_best,
        metric_value_rule.rank_key,
        max(metric_value_rule.value) as value,
        row_number() over (
            partition by
                metric_pool_rank.quarter,
                metric_pool_rank.metric_id,
                metric_pool_rank.unit,
                metric_pool_rank.pool
            order by metric_value_rule.rank_key
        ) as place
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

own as (

    select
        metric_value_rule.*,
        metric_score_needed.needed_score,
        metric_score_needed.enters_at_dp
    from metric_value_rule
    inner join metric_score_needed
        on {{ same_metric_of_organisation('metric_value_rule', 'metric_score_needed') }}
    where not metric_value_rule.meets_standard

),

-- who fails a floor stands outside the pool and would make it one larger
size_asked as (

    select distinct
        own.quarter,
        own.metric_id,
        own.unit,
        own.pool,
        own.fails_floor,
        own.score_best,
        own.score_worst,
        own.enters_at_dp,
        metric_pool_size.ranked_in_pool + case when own.fails_floor then 1 else 0 end as pool_size
    from own
    inner join metric_pool_size
        on {{ same_pool('own', 'metric_pool_size') }}

),

value_scored as (

    select
        size_asked.quarter,
        size_asked.metric_id,
        size_asked.unit,
        size_asked.pool,
        size_asked.fails_floor,
        size_asked.enters_at_dp,
        value_in_pool.place,
        value_in_pool.value,
        {{ grid_score(
            'size_asked.score_best', 'size_asked.score_worst', 'value_in_pool.rank_best', 'size_asked.pool_size'
        ) }} as score
    from size_asked
    inner join value_in_pool
        on {{ same_pool('size_asked', 'value_in_pool') }}

),

-- several scores may enter an average as one
score_entering as (

    select
        quarter,
        metric_id,
        unit,
        pool,
        fails_floor,
        {{ half_up_to('score', 'enters_at_dp') }} as score_entering_average,
        max(place) as worst_place
    from value_scored
    group by quarter, metric_id, unit, pool, fails_floor, score_entering_average

),

-- the own values and those of their pool in one line, the own ones first among equals
line_of_values as (

    select
        quarter,
        table_name,
        organisation_code,
        metric_id,
        unit,
        pool,
        fails_floor,
        {{ exact('needed_score + 0.00000000001') }} as score_asked,
        rank_key,
        0 as is_of_pool,
        cast(null as bigint) as place
    from own
    where rank_key is not null
    union all
    select
        quarter,
        cast(null as string) as table_name,
        cast(null as string) as organisation_code,
        metric_id,
        unit,
        pool,
        cast(null as boolean) as fails_floor,
        cast(null as decimal(18, 12)) as score_asked,
        rank_key,
        1 as is_of_pool,
        place
    from value_in_pool

),

-- the worst of the values that are better than the own one
better_place as (

    select
        *,
        max(place) over (
            partition by quarter, metric_id, unit, pool
            order by rank_key, is_of_pool, organisation_code
            rows between unbounded preceding and current row
        ) as worst_better_place
    from line_of_values

),

-- the scores asked for and those that values of the pool give in one line, the latter first among equals
line_of_scores as (

    select
        quarter,
        table_name,
        organisation_code,
        metric_id,
        unit,
        pool,
        fails_floor,
        worst_better_place,
        score_asked as score,
        1 as is_asked,
        cast(null as decimal(18, 12)) as score_of_value
    from better_place
    where is_of_pool = 0 and worst_better_place is not null
    union all
    select
        quarter,
        cast(null as string) as table_name,
        cast(null as string) as organisation_code,
        metric_id,
        unit,
        pool,
        fails_floor,
        cast(null as bigint) as worst_better_place,
        score_entering_average as score,
        0 as is_asked,
        score_entering_average as score_of_value
    from score_entering

),

score_reaching as (

    select
        *,
        max(score_of_value) over (
            partition by quarter, metric_id, unit, pool, fails_floor
            order by score, is_asked, organisation_code
            rows between unbounded preceding and current row
        ) as worst_score_reaching
    from line_of_scores

),

-- and the worst that scores well enough; where there is no better segment to reach, every better one does
place_asked as (

    select
        score_reaching.quarter,
        score_reaching.table_name,
        score_reaching.organisation_code,
        score_reaching.metric_id,
        score_reaching.unit,
        score_reaching.pool,
        score_reaching.fails_floor,
        score_reaching.worst_better_place,
        case
            when score_reaching.score is null then score_reaching.worst_better_place
            else score_entering.worst_place
        end as worst_place_reaching
    from score_reaching
    left join score_entering
        on
            {{ same_pool('score_reaching', 'score_entering') }}
            and score_reaching.fails_floor = score_entering.fails_floor
            and score_reaching.worst_score_reaching = score_entering.score_entering_average
    where score_reaching.is_asked = 1

),

-- of values that all reach the segment only the nearest is a step; where none does, the best stands for them
pool_candidate as (

    select
        place_asked.quarter,
        place_asked.table_name,
        place_asked.organisation_code,
        place_asked.metric_id,
        value_scored.value as candidate_value,
        value_scored.score as candidate_score
    from place_asked
    inner join value_scored
        on
            {{ same_pool('place_asked', 'value_scored') }}
            and place_asked.fails_floor = value_scored.fails_floor
            and value_scored.place
            = least(place_asked.worst_better_place, coalesce(place_asked.worst_place_reaching, 1))

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
