-- The cut-points that the quarter's averages and domain scores were put into segments by.
with

quarter_in_scope as (

    select * from {{ source('run', 'quarter_in_scope') }}

),

segment_cut_point as (

    select * from {{ ref('segment_cut_point') }}

),

domain as (

    select * from {{ ref('domain') }}

),

final as (

    select
        quarter_in_scope.quarter,
        quarter_in_scope.release_id,
        quarter_in_scope.is_sample,
        segment_cut_point.score_figure as figure,
        domain.domain,
        cast(segment_cut_point.segment as integer) as segment,
        segment_cut_point.cut_point,
        segment_cut_point.threshold_basis
    from segment_cut_point
    inner join quarter_in_scope
        on segment_cut_point.quarter = quarter_in_scope.quarter
    left join domain
        on
            segment_cut_point.framework = domain.framework
            and segment_cut_point.score_figure = domain.score_figure

)

select * from final
