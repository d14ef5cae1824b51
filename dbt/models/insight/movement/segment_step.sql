-- Movement of segment and rank: each organisation's average after each step of its own, put into segments by
-- the earlier cut-points; the old and the new average by the later. The override is still the earlier flag.
with

release_pair as (

    select * from {{ ref('release_pair') }}

),

league_table_pair as (

    select * from {{ ref('league_table_pair') }}

),

average_share as (

    select * from {{ ref('average_share') }}

),

segment_threshold as (

    select * from {{ ref('segment_threshold') }}
    where figure = 'OF5002'

),

override_parameter as (

    select
        quarter,
        release_id,
        cast(cast(rule_value as decimal(18, 6)) as integer) as override_segment
    from {{ ref('framework_rule') }}
    where rule_table = 'framework_parameter' and rule_key = 'override_no_better_than_segment'

),

step as (

    {% for step in range(1, 7) -%}
        select {{ step }} as step
        {% if not loop.last %}union all{% endif %}
    {% endfor %}
),

own_step as (

    select
        league_table_pair.quarter,
        league_table_pair.release_id,
        league_table_pair.release_id_before,
        league_table_pair.table_name,
        league_table_pair.organisation_code,
        step.step,
        {{ exact("""
            max(league_table_pair.average_metric_score_exact_before) + coalesce(sum(average_share.share), 0)
        """) }} as average_exact
    from league_table_pair
    cross join step
    left join average_share
        on
            {{ same_organisation_of_pair('league_table_pair', 'average_share') }}
            and step.step >= average_share.step
    where league_table_pair.is_before and league_table_pair.is_after
    group by
        league_table_pair.quarter,
        league_table_pair.release_id,
        league_table_pair.release_id_before,
        league_table_pair.table_name,
        league_table_pair.organisation_code,
        step.step

),

asked as (

    select
        quarter,
        release_id,
        release_id_before,
        table_name,
        organisation_code,
        step,
        'before' as cut_points_of,
        average_exact
    from own_step
    union all
    select
        quarter,
        release_id,
        release_id_before,
        table_name,
        organisation_code,
        7 as step,
        'after' as cut_points_of,
        average_metric_score_exact_after as average_exact
    from league_table_pair
    where is_before and is_after
    union all
    select
        quarter,
        release_id,
        release_id_before,
        table_name,
        organisation_code,
        0 as step,
        'after' as cut_points_of,
        average_metric_score_exact_before as average_exact
    from league_table_pair
    where is_before

),

cut_point as (

    {% for side in ('before', 'after') -%}
        select
            release_pair.quarter,
            release_pair.release_id,
            release_pair.release_id_before,
            '{{ side }}' as cut_points_of,
            segment_threshold.cut_point,
            segment_threshold.threshold_basis
        from release_pair
        inner join segment_threshold
            on
                {% if side == 'before' -%}
                    release_pair.quarter_before = segment_threshold.quarter
                    and release_pair.release_id_before = segment_threshold.release_id
                {%- else -%}
                    release_pair.quarter = segment_threshold.quarter
                    and release_pair.release_id = segment_threshold.release_id
                {%- endif %}
        {% if not loop.last %}union all{% endif %}
    {% endfor %}
),

unadjusted as (

    select
        asked.quarter,
        asked.release_id,
        asked.release_id_before,
        asked.table_name,
        asked.organisation_code,
        asked.step,
        asked.average_exact,
        {{ segment_among('asked.average_exact', half_up('asked.average_exact'), 'cut_point') }} as segment
    from asked
    left join cut_point
        on
            {{ same_pair('asked', 'cut_point') }}
            and asked.cut_points_of = cut_point.cut_points_of
    group by
        asked.quarter,
        asked.release_id,
        asked.release_id_before,
        asked.table_name,
        asked.organisation_code,
        asked.step,
        asked.average_exact

),

final as (

    select
        unadjusted.quarter,
        unadjusted.release_id,
        unadjusted.release_id_before,
        unadjusted.table_name,
        unadjusted.organisation_code,
        unadjusted.step,
        {{ half_up('unadjusted.average_exact') }} as average_metric_score,
        case
            when
                league_table_pair.financial_override_before
                and unadjusted.segment < override_parameter.override_segment
                then override_parameter.override_segment
            else unadjusted.segment
        end as adjusted_segment
    from unadjusted
    inner join league_table_pair
        on {{ same_organisation_of_pair('unadjusted', 'league_table_pair') }}
    inner join release_pair
        on {{ same_pair('unadjusted', 'release_pair') }}
    left join override_parameter
        on
            release_pair.quarter_before = override_parameter.quarter
            and release_pair.release_id_before = override_parameter.release_id

)

select * from final
