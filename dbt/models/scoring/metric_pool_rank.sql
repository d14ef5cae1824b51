-- Step 2.1: competition ranks within the pool. Values tied at their published places hide an order, so a
-- rank is an interval: `rank_best` when the tie is true, `rank_worst` when the trust is last of its block.
with

metric_value_rule as (

    select * from {{ ref('metric_value_rule') }}

),

metric_pool_size as (

    select * from {{ ref('metric_pool_size') }}

),

met_in_table as (

    select
        quarter,
        table_name,
        metric_id,
        unit,
        sum(case when meets_standard then 1 else 0 end) as met_in_table
    from metric_value_rule
    group by quarter, table_name, metric_id, unit

),

ranked as (

    select
        *,
        rank() over (
            partition by quarter, metric_id, unit, pool
            order by rank_key
        ) as rank_best,
        -- with all that are tied with it, whose order is hidden
        count(*) over (
            partition by quarter, metric_id, unit, pool
            order by rank_key
            range between unbounded preceding and current row
        ) as ranked_so_far
    from metric_value_rule
    where not meets_standard and not fails_floor

),

-- where the pool isn't whole, a score still lies between those of its better and its worse neighbours
tied_block as (

    select
        ranked.quarter,
        ranked.metric_id,
        ranked.unit,
        ranked.pool,
        ranked.rank_key,
        min(ranked.published_score) as best_score,
        max(ranked.published_score) as worst_score
    from ranked
    inner join metric_pool_size
        on {{ same_pool('ranked', 'metric_pool_size') }}
    where not metric_pool_size.is_complete
    group by ranked.quarter, ranked.metric_id, ranked.unit, ranked.pool, ranked.rank_key

),

placed_block as (

    select
        quarter,
        metric_id,
        unit,
        pool,
        rank_key,
        max(worst_score) over (
            partition by quarter, metric_id, unit, pool
            order by rank_key
            rows between unbounded preceding and 1 preceding
        ) as worst_score_of_better,
        min(best_score) over (
            partition by quarter, metric_id, unit, pool
            order by rank_key
            rows between 1 following and unbounded following
        ) as best_score_of_worse
    from tied_block

),

final as (

    select
        ranked.quarter,
        ranked.framework,
        ranked.table_name,
        ranked.organisation_code,
        ranked.metric_id,
        ranked.unit,
        ranked.pool,
        ranked.rule,
        ranked.published_score,
        ranked.score_best,
        ranked.score_worst,
        ranked.is_on_standard,
        ranked.rank_best,
        case when ranked.value_dp is null then ranked.rank_best else ranked.ranked_so_far end as rank_worst,
        case
            when metric_pool_size.is_ranked_by_publisher
                then ranked.published_rank - met_in_table.met_in_table
        end as rank_published,
        placed_block.worst_score_of_better,
        placed_block.best_score_of_worse
    from ranked
    inner join metric_pool_size
        on {{ same_pool('ranked', 'metric_pool_size') }}
    inner join met_in_table
        on
            ranked.quarter = met_in_table.quarter
            and ranked.table_name = met_in_table.table_name
            and ranked.metric_id = met_in_table.metric_id
            and ranked.unit = met_in_table.unit
    left join placed_block
        on
            {{ same_pool('ranked', 'placed_block') }}
            and ranked.rank_key = placed_block.rank_key

)

select * from final
