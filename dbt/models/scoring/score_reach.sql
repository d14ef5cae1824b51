-- Reconciliation, first part: how far an average and its segment can move within the quarter's tolerance
-- (zero where the rounding of the quarter is known; one unit of the last place where it isn't, or where a
-- score that enters is known only as printed).
with

scored_average as (

    select * from {{ ref('scored_average') }}

),

unadjusted_segment as (

    select * from {{ ref('unadjusted_segment') }}

),

segment_cut_point as (

    select * from {{ ref('segment_cut_point') }}

),

average_tolerance as (

    select * from {{ ref('average_tolerance') }}

),

last_place as (

    select
        framework,
        cast(power(10, -value) as decimal(18, 2)) as unit_of_last_place
    from {{ ref('framework_parameter') }}
    where parameter = 'published_score_dp'

),

toleranced as (

    select
        scored_average.*,
        case
            when scored_average.is_exact
                then coalesce(average_tolerance.tolerance, last_place.unit_of_last_place)
            else last_place.unit_of_last_place
        end as tolerance
    from scored_average
    inner join last_place
        on scored_average.framework = last_place.framework
    left join average_tolerance
        on
            scored_average.framework = average_tolerance.framework
            and scored_average.quarter = average_tolerance.quarter
            and scored_average.table_name = average_tolerance.table_name

),

cut_point_tolerance as (

    select
        quarter,
        score_figure,
        max(tolerance) as largest_tolerance
    from toleranced
    group by quarter, score_figure

),

-- national cut-points are made of averages, so they can move too; the publisher's own and thresholds can't
compared as (

    select
        toleranced.quarter,
        toleranced.framework,
        toleranced.table_name,
        toleranced.organisation_code,
        toleranced.applies_to,
        toleranced.domain,
        toleranced.score_figure,
        toleranced.segment_figure,
        toleranced.score,
        toleranced.tolerance,
        segment_cut_point.cut_point,
        segment_cut_point.is_printed_on_both_sides,
        case
            when segment_cut_point.threshold_basis = 'published' then toleranced.score
            else toleranced.score_exact
        end as score_compared,
        case
            when segment_cut_point.threshold_basis = 'national_quartiles'
                then toleranced.tolerance + cut_point_tolerance.largest_tolerance
            else toleranced.tolerance
        end as slack
    from toleranced
    inner join cut_point_tolerance
        on {{ same_score_figure('toleranced', 'cut_point_tolerance') }}
    inner join segment_cut_point
        on {{ same_score_figure('toleranced', 'segment_cut_point') }}

),

reached as (

    select
        quarter,
        framework,
        table_name,
        organisation_code,
        applies_to,
        domain,
        score_figure,
        segment_figure,
        score,
        tolerance,
        1 + sum(
            case when {{ is_beyond('score_compared - slack', 'cut_point') }} then 1 else 0 end
        ) as segment_low,
        1 + sum(
            case
                when {{ is_beyond('score_compared + slack', 'cut_point') }} then 1
                when is_printed_on_both_sides and score_compared + slack >= cut_point then 1
                else 0
            end
        ) as segment_high,
        max(
            case when is_printed_on_both_sides and score_compared = cut_point then 1 else 0 end
        ) = 1 as is_on_hidden_side
    from compared
    group by
        quarter, framework, table_name, organisation_code, applies_to, domain, score_figure, segment_figure,
        score, tolerance

),

final as (

    select
        reached.quarter,
        reached.framework,
        reached.table_name,
        reached.organisation_code,
        reached.applies_to,
        reached.domain,
        reached.score_figure,
        reached.segment_figure,
        reached.score,
        reached.tolerance,
        reached.score - reached.tolerance as score_low,
        reached.score + reached.tolerance as score_high,
        unadjusted_segment.segment,
        reached.segment_low,
        reached.segment_high,
        reached.is_on_hidden_side
    from reached
    inner join unadjusted_segment
        on
            {{ same_organisation('reached', 'unadjusted_segment') }}
            and reached.score_figure = unadjusted_segment.score_figure

)

select * from final
