-- Movement of segment and rank, step by step: the own average (1 to 6), the cut-points for everybody (7),
-- the own override (8) and organisations in and out of the table (9). What remains, the others explain.
with

league_table_pair as (

    select * from {{ ref('league_table_pair') }}

),

segment_step as (

    select * from {{ ref('segment_step') }}

),

own_step as (

    select
        quarter,
        release_id,
        release_id_before,
        table_name,
        organisation_code,
        step,
        average_metric_score,
        adjusted_segment
    from segment_step
    where step > 0
    union all
    {% for step in (8, 9) -%}
        select
            quarter,
            release_id,
            release_id_before,
            table_name,
            organisation_code,
            {{ step }} as step,
            average_metric_score_after as average_metric_score,
            adjusted_segment_after as adjusted_segment
        from league_table_pair
        where is_before and is_after
        {% if not loop.last %}union all{% endif %}
    {% endfor %}
),

other as (

    select
        league_table_pair.quarter,
        league_table_pair.release_id,
        league_table_pair.release_id_before,
        league_table_pair.table_name,
        league_table_pair.organisation_code,
        league_table_pair.is_before,
        league_table_pair.is_after,
        league_table_pair.average_metric_score_before,
        league_table_pair.adjusted_segment_before,
        -- who comes in stands where it is released; all others still where they were, by the later cut-points
        coalesce(league_table_pair.average_metric_score_before, league_table_pair.average_metric_score_after)
            as average_at_cut_points,
        coalesce(segment_step.adjusted_segment, league_table_pair.adjusted_segment_after)
            as segment_at_cut_points
    from league_table_pair
    left join segment_step
        on
            {{ same_organisation_of_pair('league_table_pair', 'segment_step') }}
            and segment_step.step = 0

),

final as (

    select
        own_step.quarter,
        own_step.release_id,
        own_step.release_id_before,
        own_step.table_name,
        own_step.organisation_code,
        own_step.step,
        own_step.adjusted_segment,
        1 + sum(
            case
                when own_step.step <= 6 and other.adjusted_segment_before < own_step.adjusted_segment then 1
                when
                    own_step.step <= 6
                    and other.adjusted_segment_before = own_step.adjusted_segment
                    and other.average_metric_score_before < own_step.average_metric_score then 1
                when own_step.step > 6 and other.segment_at_cut_points < own_step.adjusted_segment then 1
                when
                    own_step.step > 6
                    and other.segment_at_cut_points = own_step.adjusted_segment
                    and other.average_at_cut_points < own_step.average_metric_score then 1
                else 0
            end
        ) as rank
    from own_step
    left join other
        on
            {{ same_pair('own_step', 'other') }}
            and own_step.table_name = other.table_name
            and own_step.organisation_code <> other.organisation_code
            and ((own_step.step <= 8 and other.is_before) or (own_step.step = 9 and other.is_after))
    group by
        own_step.quarter,
        own_step.release_id,
        own_step.release_id_before,
        own_step.table_name,
        own_step.organisation_code,
        own_step.step,
        own_step.adjusted_segment

)

select * from final
