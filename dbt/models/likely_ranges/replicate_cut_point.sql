-- Likely ranges, the cut-points that every replicate is put into segments by: the quarter's own and, where
-- they are national quartiles, the quantiles that a replicate's own cut-points are made at.
with

segment_cut_point as (

    select * from {{ ref('segment_cut_point') }}
    where score_figure = 'OF5002' and cut_point is not null

),

segment_boundary as (

    select * from {{ ref('segment_boundary') }}
    where applies_to = 'average'

),

final as (

    select
        segment_cut_point.quarter,
        segment_cut_point.segment,
        segment_cut_point.threshold_basis,
        {{ score_units('segment_cut_point.cut_point') }} as cut_point_units,
        segment_boundary.quantile
    from segment_cut_point
    inner join segment_boundary
        on
            segment_cut_point.framework = segment_boundary.framework
            and segment_cut_point.segment = segment_boundary.segment

)

select * from final
