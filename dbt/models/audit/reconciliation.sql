-- Every figure beside the publisher's: equal, within tolerance, admissible, different, not published or
-- not computable, and why.
with

quarter_in_scope as (

    select * from {{ source('run', 'quarter_in_scope') }}

),

computed_figure as (

    select * from {{ ref('computed_figure') }}
    union all
    select * from {{ ref('likely_range_figure') }}

),

metric_value as (

    select * from {{ ref('metric_value') }}

),

published_figure as (

    select * from {{ ref('published_figure') }}

),

published as (

    select
        quarter,
        table_name,
        organisation_code,
        metric_id as figure,
        value as published
    from metric_value
    where value is not null
    union all
    select
        quarter,
        table_name,
        organisation_code,
        metric_id || '.rank' as figure,
        published_rank as published
    from metric_value
    where published_rank is not null
    union all
    select
        quarter,
        table_name,
        organisation_code,
        'OF1' || substr(metric_id, 4) as figure,
        published_score as published
    from metric_value
    where published_score is not null
    union all
    select
        quarter,
        table_name,
        organisation_code,
        'OF1' || substr(metric_id, 4) || '.rank' as figure,
        score_published_rank as published
    from metric_value
    where score_published_rank is not null
    union all
    select
        quarter,
        table_name,
        organisation_code,
        figure,
        value as published
    from published_figure
    where value is not null
    union all
    select
        quarter,
        table_name,
        organisation_code,
        figure || '.rank' as figure,
        published_rank as published
    from published_figure
    where published_rank is not null

),

compared as (

    select
        coalesce(computed_figure.quarter, published.quarter) as quarter,
        coalesce(computed_figure.table_name, published.table_name) as table_name,
        coalesce(computed_figure.organisation_code, published.organisation_code) as organisation_code,
        coalesce(computed_figure.figure, published.figure) as figure,
        computed_figure.computed,
        cast(published.published as decimal(18, 6)) as published,
        cast(computed_figure.computed - published.published as decimal(18, 6)) as difference,
        coalesce(computed_figure.tolerance, 0) as tolerance,
        case
            when published.published is null then 'not_published'
            when computed_figure.computed is null or not computed_figure.is_computable then 'not_computable'
            when computed_figure.is_contradicted then 'different'
            when computed_figure.computed = published.published then 'equal'
            when abs(computed_figure.computed - published.published) <= computed_figure.tolerance
                then 'within_tolerance'
            when published.published between computed_figure.computed_low and computed_figure.computed_high
                then 'admissible'
            else 'different'
        end as outcome,
        coalesce(
            computed_figure.reason,
            case
                when published.figure like 'OF0%'
                    then 'an input: taken from the publisher, no underlying statistic is loaded'
                when published.figure = 'OF5007' then 'an input: the publisher''s flag'
                else 'no step of the methodology at hand gives this figure'
            end
        ) as reason
    from computed_figure
    full outer join published
        on
            {{ same_organisation('computed_figure', 'published') }}
            and computed_figure.figure = published.figure

),

final as (

    select
        quarter_in_scope.quarter,
        quarter_in_scope.release_id,
        quarter_in_scope.is_sample,
        compared.table_name,
        compared.organisation_code,
        compared.figure,
        compared.computed,
        compared.published,
        compared.difference,
        cast(compared.tolerance as decimal(18, 6)) as tolerance,
        compared.outcome,
        compared.reason
    from compared
    inner join quarter_in_scope
        on compared.quarter = quarter_in_scope.quarter

)

select * from final
