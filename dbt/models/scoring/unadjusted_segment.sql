-- Step 3.3: the segment of each average and domain score, before the override. Against national quartiles or
-- thresholds exact scores are compared; against the publisher's own cut-points, scores at two places.
with

scored_average as (

    select * from {{ ref('scored_average') }}

),

segment_cut_point as (

    select * from {{ ref('segment_cut_point') }}

),

final as (

    select
        scored_average.quarter,
        scored_average.framework,
        scored_average.table_name,
        scored_average.organisation_code,
        scored_average.applies_to,
        scored_average.domain,
        scored_average.score_figure,
        scored_average.segment_figure,
        -- one more than the number of cut-points that the score lies beyond
        {{ segment_among('scored_average.score_exact', 'scored_average.score', 'segment_cut_point') }}
            as segment,
        count(segment_cut_point.cut_point) as cut_points,
        max(segment_cut_point.threshold_basis) as threshold_basis
    from scored_average
    inner join segment_cut_point
        on {{ same_score_figure('scored_average', 'segment_cut_point') }}
    group by
        scored_average.quarter,
        scored_average.framework,
        scored_average.table_name,
        scored_average.organisation_code,
        scored_average.applies_to,
        scored_average.domain,
        scored_average.score_figure,
        scored_average.segment_figure

)

select * from final
