-- Movement: every step of every measure as a change with its cause; still in steps: a cause may stand twice.
-- The own value's cause is `value` between quarters; within one quarter `revision`, or `code` where the
-- extracts are the same.
{% set own_steps = {1: 'metric_out', 2: 'rule', 3: 'value', 4: 'pool', 5: 'others_moved', 6: 'metric_in'} %}
with

release_pair as (

    select * from {{ ref('release_pair') }}

),

extract as (

    select * from {{ ref('extract') }}

),

segment_threshold as (

    select * from {{ ref('segment_threshold') }}
    where figure = 'OF5002'

),

metric_score_step as (

    select * from {{ ref('metric_score_step') }}

),

average_share as (

    select * from {{ ref('average_share') }}

),

rank_step as (

    select * from {{ ref('rank_step') }}

),

league_table_pair as (

    select * from {{ ref('league_table_pair') }}
    where is_before and is_after

),

metric_score_share as (

    {% for cause, from, to in [
        ('rule', 'score_before', 'score_after_rule'),
        ('value', 'score_after_rule', 'score_after_value'),
        ('pool', 'score_after_value', 'score_after_pool'),
        ('others_moved', 'score_after_pool', 'score_after'),
    ] -%}
        select
            quarter,
            release_id,
            release_id_before,
            table_name,
            organisation_code,
            metric_id,
            '{{ cause }}' as cause,
            {{ to }} - {{ from }} as change
        from metric_score_step
        {% if not loop.last %}union all{% endif %}
    {% endfor %}
),

-- from the released place through every step to the released place: whatever the steps are, they add up
place as (

    select
        quarter,
        release_id,
        release_id_before,
        table_name,
        organisation_code,
        0 as step,
        adjusted_segment_before as adjusted_segment,
        rank_before as rank
    from league_table_pair
    union all
    select
        quarter,
        release_id,
        release_id_before,
        table_name,
        organisation_code,
        step,
        adjusted_segment,
        rank
    from rank_step
    union all
    select
        quarter,
        release_id,
        release_id_before,
        table_name,
        organisation_code,
        10 as step,
        adjusted_segment_after as adjusted_segment,
        rank_after as rank
    from league_table_pair

),

place_change as (

    select
        quarter,
        release_id,
        release_id_before,
        table_name,
        organisation_code,
        step,
        adjusted_segment - lag(adjusted_segment) over (
            partition by quarter, release_id, release_id_before, table_name, organisation_code
            order by step
        ) as segment_change,
        rank - lag(rank) over (
            partition by quarter, release_id, release_id_before, table_name, organisation_code
            order by step
        ) as rank_change
    from place

),

cut_point_basis as (

    select
        quarter,
        release_id,
        max(threshold_basis) as threshold_basis
    from segment_threshold
    group by quarter, release_id

),

extract_side as (

    select
        release_pair.quarter,
        release_pair.release_id,
        release_pair.release_id_before,
        extract.extract_id,
        'before' as side
    from release_pair
    inner join extract
        on
            release_pair.quarter_before = extract.quarter
            and release_pair.release_id_before = extract.release_id
    union all
    select
        release_pair.quarter,
        release_pair.release_id,
        release_pair.release_id_before,
        extract.extract_id,
        'after' as side
    from release_pair
    inner join extract
        on {{ same_release('release_pair', 'extract') }}

),

-- files that only one of the two releases rests on
changed_extract as (

    select
        quarter,
        release_id,
        release_id_before,
        extract_id
    from extract_side
    group by quarter, release_id, release_id_before, extract_id
    having count(distinct side) = 1

),

changed_extracts as (

    select
        quarter,
        release_id,
        release_id_before,
        count(*) as extracts
    from changed_extract
    group by quarter, release_id, release_id_before

),

cause_of_pair as (

    select
        release_pair.quarter,
        release_pair.release_id,
        release_pair.release_id_before,
        case
            when release_pair.quarter <> release_pair.quarter_before then 'value'
            when changed_extracts.extracts > 0 then 'revision'
            else 'code'
        end as own_cause,
        -- thresholds that a framework defines move by rule; quartiles, also the publisher's, by averages
        case
            when 'threshold' in (basis_before.threshold_basis, basis_after.threshold_basis) then 'rule'
            else 'cut_points'
        end as cut_point_cause
    from release_pair
    left join changed_extracts
        on {{ same_pair('release_pair', 'changed_extracts') }}
    left join cut_point_basis as basis_before
        on
            release_pair.quarter_before = basis_before.quarter
            and release_pair.release_id_before = basis_before.release_id
    left join cut_point_basis as basis_after
        on {{ same_release('release_pair', 'basis_after') }}

),

share as (

    select
        quarter,
        release_id,
        release_id_before,
        table_name,
        organisation_code,
        'metric_score' as measure,
        metric_id,
        cause,
        {{ exact('change') }} as change
    from metric_score_share
    where change <> 0
    union all
    select
        quarter,
        release_id,
        release_id_before,
        table_name,
        organisation_code,
        'average_metric_score' as measure,
        metric_id,
        cause,
        {{ exact('share') }} as change
    from average_share
    {% for measure in ('segment', 'rank') -%}
        union all
        select
            quarter,
            release_id,
            release_id_before,
            table_name,
            organisation_code,
            '{{ "adjusted_segment" if measure == "segment" else "rank" }}' as measure,
            cast(null as string) as metric_id,
            case
                {% for step, cause in own_steps.items() -%}
                    when step = {{ step }} then '{{ cause }}'
                {% endfor -%}
                when step = 7 then 'cut_points'
                when step = 8 then 'override'
                when step = 9 then 'organisations'
                else 'others_moved'
            end as cause,
            {{ exact(measure ~ '_change') }} as change
        from place_change
        where {{ measure }}_change <> 0
    {% endfor %}
),

final as (

    select
        share.quarter,
        share.release_id,
        share.release_id_before,
        share.table_name,
        share.organisation_code,
        share.measure,
        share.metric_id,
        case
            when share.cause = 'value' then cause_of_pair.own_cause
            when share.cause = 'cut_points' then cause_of_pair.cut_point_cause
            else share.cause
        end as cause,
        share.change
    from share
    inner join cause_of_pair
        on {{ same_pair('share', 'cause_of_pair') }}

)

select * from final
