-- Likely ranges, step 1: what each organisation is resampled from: its own metric scores, how many are drawn,
-- the random stream that is its own, and the cut-points and override that every replicate is judged by.
with

metric_score_exact as (

    select * from {{ ref('metric_score_exact') }}
    where enters_average

),

final_segment as (

    select * from {{ ref('final_segment') }}

),

segment_cut_point as (

    select * from {{ ref('segment_cut_point') }}
    where score_figure = 'OF5002'

),

framework_parameter as (

    select
        framework,
        max(case when parameter = 'weight_common_denominator' then value end) as whole_weight,
        max(case when parameter = 'override_no_better_than_segment' then value end) as override_segment
    from {{ ref('framework_parameter') }}
    group by framework

),

likely_range_rule as (

    select * from {{ ref('likely_range_rule') }}

),

-- a score that stands for itself, or one of those that together stand for one
scored as (

    select
        metric_score_exact.quarter,
        metric_score_exact.framework,
        metric_score_exact.table_name,
        metric_score_exact.organisation_code,
        case
            when
                likely_range_rule.part_weights_enter = 'as_one'
                and metric_score_exact.weight_units < framework_parameter.whole_weight
                then 'part weights'
            else metric_score_exact.metric_id
        end as choice,
        likely_range_rule.part_weights_enter = 'chance_by_weight' as is_drawn_by_weight,
        metric_score_exact.weight_units,
        {{ score_units('metric_score_exact.score_entering_average') }} as score_units
    from metric_score_exact
    inner join framework_parameter
        on metric_score_exact.framework = framework_parameter.framework
    inner join likely_range_rule
        on metric_score_exact.framework = likely_range_rule.framework

),

-- drawn by weight, a score stands in the list as often as it has units of weight and then counts once
choice as (

    select
        quarter,
        framework,
        table_name,
        organisation_code,
        choice,
        max(case when is_drawn_by_weight then weight_units else 1 end) as times,
        {{ packed(
            'sum(case when is_drawn_by_weight then score_units else score_units * weight_units end)',
            'sum(case when is_drawn_by_weight then 1 else weight_units end)'
        ) }} as packed_choice
    from scored
    group by quarter, framework, table_name, organisation_code, choice

),

listed as (

    select
        quarter,
        framework,
        table_name,
        organisation_code,
        count(*) as draws,
        {{ list_with_repeats('packed_choice', 'times', 'choice') }} as choices
    from choice
    group by quarter, framework, table_name, organisation_code

),

-- with the publisher's own cut-points the comparison is at two places, else exact but for the last units
comparable_cut_point as (

    select
        quarter,
        threshold_basis,
        segment,
        case
            when threshold_basis = 'published' then {{ score_units('cut_point') }}
            else {{ beyond_units(score_units('cut_point')) }}
        end as cut_point_units
    from segment_cut_point
    where cut_point is not null

),

cut_points as (

    select
        quarter,
        max(threshold_basis) as threshold_basis,
        {{ list_ordered_by('cut_point_units', 'segment') }} as cut_points
    from comparable_cut_point
    group by quarter

),

final as (

    select
        cast(row_number() over (
            order by listed.quarter, listed.table_name, listed.organisation_code
        ) as integer) as organisation_number,
        cast(dense_rank() over (order by listed.quarter, listed.table_name) as integer) as table_number,
        cast(dense_rank() over (order by listed.quarter) as integer) as quarter_number,
        listed.quarter,
        listed.framework,
        listed.table_name,
        listed.organisation_code,
        {{ drawable('listed.draws') }} as draws,
        listed.choices,
        cast(len(listed.choices) as ubigint) as choice_count,
        {{ text_word("listed.quarter || '/' || listed.table_name") }} as stream_key, -- noqa: PRS
        {{ code_number('listed.organisation_code') }} as stream, -- noqa: PRS
        {{ no_cut_points('cut_points.cut_points') }} as cut_points,
        cut_points.threshold_basis,
        case when final_segment.financial_override then framework_parameter.override_segment else 1 end
            as best_segment,
        likely_range_rule.replicates
    from listed
    inner join final_segment
        on
            listed.quarter = final_segment.quarter
            and listed.table_name = final_segment.table_name
            and listed.organisation_code = final_segment.organisation_code
    left join cut_points
        on listed.quarter = cut_points.quarter
    inner join framework_parameter
        on listed.framework = framework_parameter.framework
    inner join likely_range_rule
        on listed.framework = likely_range_rule.framework

)

select * from final
