-- Step 3.3: the cut-points between segments: fixed thresholds; or quartiles of all trusts of every table
-- together; or, with a table missing, the publisher's own (the largest score of each published segment).
with

scored_average as (

    select * from {{ ref('scored_average') }}

),

segment_boundary as (

    select * from {{ ref('segment_boundary') }}

),

metric_applicability as (

    select * from {{ ref('metric_applicability') }}

),

framework as (

    select * from {{ ref('framework') }}

),

published_figure as (

    select * from {{ ref('published_figure') }}

),

expected_table as (

    select distinct
        framework,
        table_name
    from metric_applicability

),

loaded_table as (

    select distinct
        quarter,
        framework,
        table_name
    from scored_average

),

table_count as (

    select
        framework,
        count(*) as tables
    from expected_table
    group by framework

),

quarter_loaded as (

    select
        loaded_table.quarter,
        count(*) = max(table_count.tables) as is_every_table_loaded
    from loaded_table
    inner join table_count
        on loaded_table.framework = table_count.framework
    group by loaded_table.quarter

),

ordered_score as (

    select
        quarter,
        score_figure,
        score_exact,
        row_number() over (
            partition by quarter, score_figure
            order by score_exact, table_name, organisation_code
        ) as position
    from scored_average

),

-- a quartile lies between two neighbours, so that only these are looked at
neighbour as (

    select
        scored.quarter,
        scored.score_figure,
        scored.scores,
        segment_boundary.segment,
        segment_boundary.quantile,
        cast(1 + floor(segment_boundary.quantile * (scored.scores - 1)) as bigint) as position_below,
        cast(1 + ceil(segment_boundary.quantile * (scored.scores - 1)) as bigint) as position_above
    from (
        select
            quarter,
            framework,
            score_figure,
            applies_to,
            count(*) as scores
        from scored_average
        group by quarter, framework, score_figure, applies_to
    ) as scored
    inner join segment_boundary
        on
            scored.framework = segment_boundary.framework
            and scored.applies_to = segment_boundary.applies_to
    where segment_boundary.quantile is not null

),

national_quantile as (

    select
        neighbour.quarter,
        neighbour.score_figure,
        neighbour.segment,
        {{ linear_percentile(
            'ordered_score.score_exact', 'ordered_score.position', 'neighbour.scores', 'neighbour.quantile', 12
        ) }} as cut_point
    from neighbour
    inner join ordered_score
        on
            {{ same_score_figure('neighbour', 'ordered_score') }}
            and ordered_score.position in (neighbour.position_below, neighbour.position_above)
    group by neighbour.quarter, neighbour.score_figure, neighbour.segment

),

figure_pair as (

    select distinct
        score_figure,
        segment_figure
    from scored_average

),

published_segment_score as (

    select
        segment_figure.quarter,
        score_figure.figure as score_figure,
        cast(segment_figure.value as integer) as segment,
        max(score_figure.value) as highest_score,
        min(score_figure.value) as lowest_score
    from published_figure as segment_figure
    inner join figure_pair
        on segment_figure.figure = figure_pair.segment_figure
    inner join published_figure as score_figure
        on
            {{ same_organisation('segment_figure', 'score_figure') }}
            and figure_pair.score_figure = score_figure.figure
    group by segment_figure.quarter, score_figure.figure, segment_figure.value

),

-- the figures whose segments are published at all
published_score_figure as (

    select distinct
        quarter,
        score_figure,
        0 as no_score
    from published_segment_score

),

figure_segment as (

    select distinct
        scored_average.quarter,
        scored_average.framework,
        scored_average.applies_to,
        scored_average.score_figure,
        segment_boundary.segment,
        segment_boundary.quantile,
        segment_boundary.threshold
    from scored_average
    inner join segment_boundary
        on
            scored_average.framework = segment_boundary.framework
            and scored_average.applies_to = segment_boundary.applies_to

),

-- a segment that no published row holds ends where the one before it ends; the first ones below every score
published_cut_point as (

    select
        figure_segment.quarter,
        figure_segment.score_figure,
        figure_segment.segment,
        coalesce(
            max(published_segment_score.highest_score) over (
                partition by figure_segment.quarter, figure_segment.score_figure
                order by figure_segment.segment
                rows between unbounded preceding and current row
            ),
            published_score_figure.no_score
        ) as highest_score
    from figure_segment
    left join published_score_figure
        on {{ same_score_figure('figure_segment', 'published_score_figure') }}
    left join published_segment_score
        on {{ same_segment_of_figure('figure_segment', 'published_segment_score') }}

),

-- the smallest published score of all worse segments
published_score_beyond as (

    select
        figure_segment.quarter,
        figure_segment.score_figure,
        figure_segment.segment,
        min(published_segment_score.lowest_score) as lowest_score
    from figure_segment
    inner join published_segment_score
        on
            {{ same_score_figure('figure_segment', 'published_segment_score') }}
            and figure_segment.segment < published_segment_score.segment
    group by figure_segment.quarter, figure_segment.score_figure, figure_segment.segment

),

final as (

    select
        figure_segment.quarter,
        figure_segment.framework,
        figure_segment.score_figure,
        figure_segment.segment,
        {{ exact("""case
            when framework.segmentation_method = 'thresholds' then figure_segment.threshold
            when not quarter_loaded.is_every_table_loaded then published_cut_point.highest_score
            else national_quantile.cut_point
        end""") }} as cut_point,
        case
            when framework.segmentation_method = 'thresholds' then 'threshold'
            when quarter_loaded.is_every_table_loaded then 'national_quartiles'
            else 'published'
        end as threshold_basis,
        -- the publisher prints the cut-point on both of its sides: two places hide where a score of it is
        framework.segmentation_method <> 'thresholds'
        and not quarter_loaded.is_every_table_loaded
        and coalesce(published_score_beyond.lowest_score <= published_cut_point.highest_score, false)
            as is_printed_on_both_sides
    from figure_segment
    inner join framework
        on figure_segment.framework = framework.framework
    inner join quarter_loaded
        on figure_segment.quarter = quarter_loaded.quarter
    left join national_quantile
        on {{ same_segment_of_figure('figure_segment', 'national_quantile') }}
    left join published_cut_point
        on {{ same_segment_of_figure('figure_segment', 'published_cut_point') }}
    left join published_score_beyond
        on {{ same_segment_of_figure('figure_segment', 'published_score_beyond') }}

)

select * from final
