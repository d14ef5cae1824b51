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
        on
            metric_pool_rank.quarter = metric_pool_size.quarter
            and metric_pool_rank.metric_id = metric_pool_size.metric_id
            and metric_pool_rank.unit = metric_pool_size.unit
            and metric_pool_rank.pool = metric_pool_size.pool
    left join pool_grid_size
        on
            metric_pool_rank.quarter = pool_grid_size.quarter
            and metric_pool_rank.metric_id = pool_grid_size.metric_id
            and metric_pool_rank.unit = pool_grid_size.unit
            and metric_pool_rank.pool = pool_grid_size.pool

),

ranked as (

    select
        *,
        case
            when rank_published between rank_best and rank_worst then rank_published
        end as rank_from_publisher,
        {{ grid_rank('score_best', 'score_worst', 'published_score', 'grid_size') }} as rank_from_grid
    from joined

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
                then {{ grid_score(
                    'score_best', 'score_worst', '(rank_worst + on_standard)', '(ranked_in_pool + on_standard)'
                ) }}
            else {{ exact('coalesce(best_score_of_worse, score_worst)') }}
        end as admissible_high
    from ranked

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
        published_score in (score_best, score_worst) as is_end_of_grid,
        -- both ends are rounded as the published score is
        coalesce(
            published_score between {{ half_up('admissible_low') }} and {{ half_up('admissible_high') }},
            true
        ) as is_admissible
    from scored

)

select * from final
