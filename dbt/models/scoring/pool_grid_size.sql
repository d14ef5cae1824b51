-- Step 2.1: scores lie on a grid, so published scores give back the size of a pool that isn't wholly known.
-- One row per pool: the smallest size on whose grid every published score lies, and how many sizes fit.
with

metric_pool_size as (

    select * from {{ ref('metric_pool_size') }}

),

metric_pool_rank as (

    select * from {{ ref('metric_pool_rank') }}

),

metric_pool as (

    select * from {{ ref('metric_pool') }}

),

-- a complete pool is only unsure of the trusts whose printed value stands on the standard or floor
searched as (

    select
        *,
        case when is_complete then ranked_in_pool - on_floor else ranked_in_pool end as smallest_size,
        case
            when is_complete then ranked_in_pool + on_standard
            when organisations_expected > ranked_in_pool then organisations_expected
            else ranked_in_pool
        end as largest_size
    from metric_pool_size
    where ranked_in_pool > 0 and (not is_complete or on_standard > 0 or on_floor > 0)

),

-- numbers to try as sizes: pairs of pools are more than any pool has trusts
trial_number as (

    select
        row_number() over (
            order by
                one.framework, one.metric_id, one.table_name,
                other.framework, other.metric_id, other.table_name
        ) as number
    from metric_pool as one
    cross join metric_pool as other

),

candidate as (

    select
        searched.quarter,
        searched.metric_id,
        searched.unit,
        searched.pool,
        searched.score_best,
        searched.score_worst,
        searched.smallest_size + trial_number.number - 1 as pool_size
    from searched
    inner join trial_number
        on trial_number.number <= searched.largest_size - searched.smallest_size + 1

),

score_on_grid as (

    select
        candidate.quarter,
        candidate.metric_id,
        candidate.unit,
        candidate.pool,
        candidate.pool_size,
        case
            when {{ half_up(grid_score(
                'candidate.score_best', 'candidate.score_worst',
                grid_rank('candidate.score_best', 'candidate.score_worst', 'metric_pool_rank.published_score', 'candidate.pool_size'),
                'candidate.pool_size'
            )) }} = metric_pool_rank.published_score then 0
            else 1
        end as off_grid
    from candidate
    inner join metric_pool_rank
        on {{ same_pool('candidate', 'metric_pool_rank') }}
    where metric_pool_rank.published_score is not null and not metric_pool_rank.is_on_standard

),

fitting as (

    select
        quarter,
        metric_id,
        unit,
        pool,
        pool_size
    from score_on_grid
    group by quarter, metric_id, unit, pool, pool_size
    having sum(off_grid) = 0

),

final as (

    select
        quarter,
        metric_id,
        unit,
        pool,
        min(pool_size) as pool_size,
        count(*) as sizes_that_fit,
        max(pool_size) as largest_size_that_fits
    from fitting
    group by quarter, metric_id, unit, pool

)

select * from final
