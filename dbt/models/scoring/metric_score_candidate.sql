-- Step 2.1: the ways back to a ranked score, side by side: from the published rank, from the values alone,
-- and from the grid; with the interval that the printed values admit.
with

metric_pool_rank as (

    select * from {{ ref('metric_pool_rank') }}

),

metric_pool_size as (

    select * from {{ ref('metric_pool_size') }}

),

pool_grid_size as (

    select * from {{ ref('pool_grid_size') }}

),

joined as (

    select
        metric_pool_rank.*,
        metric_pool_size.ranked_in_pool,
        metric_pool_size.on_standard,
        metric_pool_size.on_floor,
        metric_pool_size.is_complete,
        metric_pool_size.is_firm_rule,
        pool_grid_size.sizes_that_fit,
        pool_grid_size.largest_size_that_fits,
        case
            when metric_pool_size.is_complete
                then coalesce(pool_grid_size.pool_size, metric_pool_size.ranked_in_pool)
            else pool_grid_size.pool_size
        end as grid_size
    from metric_pool_rank
    inner join metric_pool_size
        on {{ same_pool('metric_pool_rank', 'metric_pool_size') }}
    left join pool_grid_size
        on {{ same_pool('metric_pool_rank', 'pool_grid_size') }}

),

ranked as (

    select
        *,
        case
            when rank_published between rank_best and rank_worst then rank_published
        end as rank_from_publisher,
        {{ grid_rank('score_best', 'score_worst', 'published_score', 'grid_size') }} as nearest_grid_rank,
        -- trusts on the standard that do fail it are the best of those who do: they move all others down
        case
            when is_complete and grid_size > ranked_in_pool then rank_best + grid_size - ranked_in_pool
            when is_complete then rank_best
            else 1
        end as first_admissible_rank,
        case
            when is_complete and grid_size > ranked_in_pool then rank_worst + grid_size - ranked_in_pool
            when is_complete then rank_worst
            else grid_size
        end as last_admissible_rank,
        {{ first_rank_printing('score_best', 'score_worst', 'published_score', 'grid_size') }}
            as first_rank_printing,
        {{ last_rank_printing('score_best', 'score_worst', 'published_score', 'grid_size') }}
            as last_rank_printing
    from joined

),

-- the ranks that both the values admit and the published score prints as: one, while the grid is coarse
-- enough
possible as (

    select
        *,
        case
            when nearest_grid_rank < first_admissible_rank then first_admissible_rank
            when nearest_grid_rank > last_admissible_rank then last_admissible_rank
            else nearest_grid_rank
        end as rank_from_grid,
        case
            when first_rank_printing > first_admissible_rank then first_rank_printing
            else first_admissible_rank
        end as first_possible_rank,
        case
            when last_rank_printing < last_admissible_rank then last_rank_printing
            else last_admissible_rank
        end as last_possible_rank
    from ranked

),

scored as (

    select
        *,
        case
            when is_complete and rank_from_publisher is not null
                then {{ grid_score('score_best', 'score_worst', 'rank_from_publisher', 'ranked_in_pool') }}
        end as score_from_publisher_rank,
        case
            when is_complete
                then {{ grid_score('score_best', 'score_worst', 'rank_best', 'ranked_in_pool') }}
        end as score_from_values,
        case
            when grid_size is not null
                then {{ grid_score('score_best', 'score_worst', 'rank_from_grid', 'grid_size') }}
        end as score_from_grid,
        case
            when is_complete
                then {{ grid_score('score_best', 'score_worst', 'rank_best', 'ranked_in_pool') }}
            else {{ exact('coalesce(worst_score_of_better, score_best)') }}
        end as admissible_low,
        case
            when is_complete
                then least({{ exact('score_worst') }}, {{ grid_score(
                    'score_best', 'score_worst',
                    '(rank_worst + on_standard)', '(ranked_in_pool + on_standard - on_floor)'
                ) }})
            else {{ exact('coalesce(best_score_of_worse, score_worst)') }}
        end as admissible_high,
        case
            when grid_size is not null and first_possible_rank <= last_possible_rank
                then {{ grid_score('score_best', 'score_worst', 'first_possible_rank', 'grid_size') }}
        end as possible_low,
        case
            when grid_size is not null and first_possible_rank <= last_possible_rank
                then {{ grid_score('score_best', 'score_worst', 'last_possible_rank', 'grid_size') }}
        end as possible_high
    from possible

),

final as (

    select
        quarter,
        framework,
        table_name,
        organisation_code,
        metric_id,
        unit,
        pool,
        rule,
        published_score,
        is_complete,
        is_firm_rule,
        ranked_in_pool,
        grid_size,
        sizes_that_fit,
        largest_size_that_fits,
        rank_best,
        rank_from_publisher,
        rank_from_grid,
        score_from_publisher_rank,
        score_from_values,
        score_from_grid,
        admissible_low,
        admissible_high,
        possible_low,
        possible_high,
        first_possible_rank = last_possible_rank as is_single_rank,
        published_score in (score_best, score_worst) as is_end_of_grid,
        -- both ends are rounded as the published score is
        coalesce(
            published_score between {{ half_up('admissible_low') }} and {{ half_up('admissible_high') }},
            true
        ) as is_admissible
    from scored

)

select * from final
