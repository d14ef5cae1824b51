-- Distance, step 1: the worst average that is still in the next better segment, and in the organisation's
-- own. Against the publisher's cut-points averages are compared at two places, so what prints as the cut-
-- point counts.
with

unadjusted_segment as (

    select * from {{ ref('unadjusted_segment') }}
    where applies_to = 'average'

),

average_metric_score as (

    select * from {{ ref('average_metric_score') }}

),

segment_cut_point as (

    select * from {{ ref('segment_cut_point') }}

),

cut_point_limit as (

    select
        quarter,
        score_figure,
        segment,
        case
            when threshold_basis = 'published'
                then {{ exact('cut_point + ' ~ half_a_published_unit() ~ ' - 0.000000000001') }}
            else cut_point
        end as worst_average
    from segment_cut_point

),

final as (

    select
        unadjusted_segment.quarter,
        unadjusted_segment.framework,
        unadjusted_segment.table_name,
        unadjusted_segment.organisation_code,
        unadjusted_segment.segment,
        average_metric_score.average_metric_score_exact,
        better.worst_average as better_limit,
        own.worst_average as worse_limit
    from unadjusted_segment
    inner join average_metric_score
        on {{ same_organisation('unadjusted_segment', 'average_metric_score') }}
    left join cut_point_limit as better
        on
            {{ same_score_figure('unadjusted_segment', 'better') }}
            and unadjusted_segment.segment - 1 = better.segment
    left join cut_point_limit as own
        on {{ same_segment_of_figure('unadjusted_segment', 'own') }}

)

select * from final
