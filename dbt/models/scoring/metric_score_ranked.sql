-- Step 2.1: the score of each ranked metric, with its basis: computed, else resolved, else published.
with

metric_value_rule as (

    select * from {{ ref('metric_value_rule') }}

),

metric_score_candidate as (

    select * from {{ ref('metric_score_candidate') }}

),

outside_ranking as (

    select
        quarter,
        framework,
        table_name,
        organisation_code,
        metric_id,
        unit,
        pool,
        cast(null as integer) as pool_size,
        cast(null as integer) as rank_in_pool,
        meets_standard,
        {{ exact('case when meets_standard then score_if_met else score_if_failed end') }} as rule_score,
        published_score,
        is_on_standard,
        rule_state in ('stated', 'verified') and pool_state in ('stated', 'verified') as is_firm_rule,
        score_best,
        score_worst
    from metric_value_rule
    where meets_standard or fails_floor

),

outside_scored as (

    select
        quarter,
        framework,
        table_name,
        organisation_code,
        metric_id,
        unit,
        pool,
        pool_size,
        rank_in_pool,
        meets_standard as standard_met,
        case
            when published_score is null or published_score = rule_score then rule_score
            when not is_firm_rule then {{ exact('published_score') }}
            else rule_score
        end as metric_score_exact,
        case
            when is_on_standard and meets_standard then rule_score
            when is_on_standard then {{ exact('score_best') }}
            else rule_score
        end as admissible_score_low,
        case when is_on_standard then {{ exact('score_worst') }} else rule_score end as admissible_score_high,
        case
            when published_score is null or published_score = rule_score then 'computed'
            when not is_firm_rule then 'published'
            else 'computed'
        end as score_basis,
        case
            when published_score is null or published_score = rule_score
                then case when meets_standard then 'meets the standard' else 'fails the floor' end
            when not is_firm_rule then 'the rule is an assumption that the published score does not follow'
            else 'the published score does not follow from the value'
        end as score_basis_reason,
        published_score is null
        or published_score = rule_score
        or is_firm_rule as is_exact,
        cast(null as decimal(18, 12)) as possible_score_low,
        cast(null as decimal(18, 12)) as possible_score_high,
        is_firm_rule
        and published_score is not null
        and published_score <> rule_score as is_contradicted
    from outside_ranking

),

chosen as (

    select
        *,
        case
            when
                is_complete
                and {{ half_up('score_from_publisher_rank') }} = coalesce(
                    published_score, {{ half_up('score_from_publisher_rank') }}
                )
                then 'publisher_rank'
            when
                is_complete
                and {{ half_up('score_from_values') }} = coalesce(
                    published_score, {{ half_up('score_from_values') }}
                )
                then 'values'
            when is_end_of_grid and is_admissible and not is_complete then 'end_of_grid'
            when
                {{ half_up('score_from_grid') }} = published_score and is_admissible
                then 'grid'
            when is_complete and is_firm_rule and not is_admissible then 'contradicted'
            else 'published'
        end as way
    from metric_score_candidate

),

ranked_scored as (

    select
        quarter,
        framework,
        table_name,
        organisation_code,
        metric_id,
        unit,
        pool,
        case
            when rule = 'standard' then false
            when rule = 'floor' then true
        end as standard_met,
        case
            when way in ('publisher_rank', 'values', 'contradicted') then ranked_in_pool
            when way = 'grid' then grid_size
        end as pool_size,
        case
            when way = 'publisher_rank' then rank_from_publisher
            when way in ('values', 'contradicted') then rank_best
            when way = 'grid' then rank_from_grid
        end as rank_in_pool,
        case
            when way = 'publisher_rank' then score_from_publisher_rank
            when way in ('values', 'contradicted') then score_from_values
            when way = 'grid' then score_from_grid
            else {{ exact('published_score') }}
        end as metric_score_exact,
        admissible_low as admissible_score_low,
        admissible_high as admissible_score_high,
        case
            when way in ('publisher_rank', 'values', 'contradicted') then 'computed'
            when way in ('grid', 'end_of_grid') then 'resolved'
            else 'published'
        end as score_basis,
        case
            when way = 'publisher_rank' then 'rank in the pool from the published rank of the unrounded value'
            when way = 'values' then 'rank in the pool from the published values'
            when way = 'contradicted' then 'the published score is not one that the values admit'
            when way = 'end_of_grid' then 'an end of the grid is exact whatever the size of the pool'
            when way = 'grid' and is_complete
                then 'values tie as printed; the published score gives the rank on the grid'
            when way = 'grid'
                then
                    'the pool is not wholly loaded; ' || cast(grid_size as string)
                    || ' is the smallest of ' || cast(sizes_that_fit as string)
                    || ' sizes on whose grid every published score lies'
            when not is_admissible then 'the published score contradicts the order of the values'
            when is_complete then 'the values do not give the score and no rank on the grid prints as it'
            else 'the pool is not wholly loaded and no size of it fits every published score'
        end as score_basis_reason,
        case
            when way in ('publisher_rank', 'contradicted', 'end_of_grid') then true
            when way = 'values' then coalesce(is_single_rank, admissible_low = admissible_high)
            when way = 'grid' then is_single_rank and (is_complete or sizes_that_fit = 1)
            else false
        end as is_exact,
        case when way in ('values', 'grid') then possible_low end as possible_score_low,
        case when way in ('values', 'grid') then possible_high end as possible_score_high,
        is_firm_rule and not is_admissible as is_contradicted
    from chosen

),

final as (

    {% for part in ('outside_scored', 'ranked_scored') -%}
        select
            quarter,
            framework,
            table_name,
            organisation_code,
            metric_id,
            unit,
            pool,
            pool_size,
            rank_in_pool,
            standard_met,
            metric_score_exact,
            admissible_score_low,
            admissible_score_high,
            score_basis,
            score_basis_reason,
            is_exact,
            possible_score_low,
            possible_score_high,
            is_contradicted
        from {{ part }}
        {% if not loop.last %}union all{% endif %}
    {% endfor %}
)

select * from final
