-- Movement, steps 2 and 3: own value and pool. Where each trust's new value would stand among the others'
-- old values: how many ranked others are better in the earlier pool, and among those that came or left.
with

metric_score_pair as (

    select * from {{ ref('metric_score_pair') }}

),

metric_score_new_rule as (

    select * from {{ ref('metric_score_new_rule') }}

),

side as (

    select
        quarter,
        release_id,
        release_id_before,
        metric_id,
        unit,
        pool,
        organisation_code,
        is_ranked as is_ranked_before,
        rank_key as rank_key_before,
        cast(null as boolean) as is_ranked_after,
        cast(null as decimal(18, 6)) as rank_key_after,
        score_under_rule
    from metric_score_new_rule
    where pool is not null
    union all
    select
        quarter,
        release_id,
        release_id_before,
        metric_id,
        unit_after as unit,
        pool_after as pool,
        organisation_code,
        cast(null as boolean) as is_ranked_before,
        cast(null as decimal(18, 6)) as rank_key_before,
        rank_in_pool_after is not null as is_ranked_after,
        rank_key_after,
        cast(null as decimal(18, 12)) as score_under_rule
    from metric_score_pair
    where pool_after is not null

),

member as (

    select
        quarter,
        release_id,
        release_id_before,
        metric_id,
        unit,
        pool,
        organisation_code,
        max(case when is_ranked_before then 1 else 0 end) as ranked_before,
        max(rank_key_before) as rank_key_before,
        max(case when is_ranked_after then 1 else 0 end) as ranked_after,
        max(rank_key_after) as rank_key_after,
        max(score_under_rule) as score_under_rule,
        count(is_ranked_before) = 1 as is_before,
        count(is_ranked_after) = 1 as is_after
    from side
    group by quarter, release_id, release_id_before, metric_id, unit, pool, organisation_code

),

-- one line of values per pool: the others' as they stood, those who came in, and where the own new value
-- would go, which stands before its equals
in_line as (

    select
        quarter,
        release_id,
        release_id_before,
        metric_id,
        unit,
        pool,
        organisation_code,
        rank_key_before as rank_key,
        1 as is_other,
        ranked_before as ranked,
        case when is_after then 0 else ranked_before end as leaver,
        0 as entrant,
        score_under_rule
    from member
    where is_before
    union all
    select
        quarter,
        release_id,
        release_id_before,
        metric_id,
        unit,
        pool,
        organisation_code,
        rank_key_after as rank_key,
        1 as is_other,
        0 as ranked,
        0 as leaver,
        ranked_after as entrant,
        cast(null as decimal(18, 12)) as score_under_rule
    from member
    where is_after and not is_before
    union all
    select
        quarter,
        release_id,
        release_id_before,
        metric_id,
        unit,
        pool,
        organisation_code,
        rank_key_after as rank_key,
        0 as is_other,
        0 as ranked,
        0 as leaver,
        0 as entrant,
        cast(null as decimal(18, 12)) as score_under_rule
    from member
    where is_before and is_after

),

counted as (

    select
        *,
        sum(ranked) over (
            partition by quarter, release_id, release_id_before, metric_id, unit, pool
        ) as all_ranked,
        sum(leaver) over (
            partition by quarter, release_id, release_id_before, metric_id, unit, pool
        ) as leavers,
        sum(entrant) over (
            partition by quarter, release_id, release_id_before, metric_id, unit, pool
        ) as entrants,
        {% for counted, result in [
            ('sum(ranked)', 'all_better'),
            ('sum(leaver)', 'leavers_better'),
            ('sum(entrant)', 'entrants_better'),
            ('max(score_under_rule)', 'worst_score_of_better'),
        ] -%}
            {{ counted }} over (
                partition by quarter, release_id, release_id_before, metric_id, unit, pool
                order by rank_key, is_other, organisation_code
                rows between unbounded preceding and current row
            ) as {{ result }},
        {% endfor -%}
        min(score_under_rule) over (
            partition by quarter, release_id, release_id_before, metric_id, unit, pool
            order by rank_key, is_other, organisation_code
            rows between current row and unbounded following
        ) as best_score_of_worse
    from in_line

),

-- without the trust itself, where it stood
final as (

    select
        counted.quarter,
        counted.release_id,
        counted.release_id_before,
        counted.metric_id,
        counted.unit,
        counted.pool,
        counted.organisation_code,
        counted.all_ranked - member.ranked_before as others_ranked,
        counted.all_better - case
            when member.rank_key_before < member.rank_key_after then member.ranked_before
            else 0
        end as others_better,
        counted.entrants,
        counted.entrants_better,
        counted.leavers,
        counted.leavers_better,
        counted.worst_score_of_better,
        counted.best_score_of_worse
    from counted
    inner join member
        on
            {{ same_pair('counted', 'member') }}
            and counted.metric_id = member.metric_id
            and counted.unit = member.unit
            and counted.pool = member.pool
            and counted.organisation_code = member.organisation_code
    where counted.is_other = 0

)

select * from final
