-- Every figure that was recomputed, under the publisher's id, with the interval that its inputs admit.
with

metric_score_exact as (

    select * from {{ ref('metric_score_exact') }}

),

metric_value as (

    select * from {{ ref('metric_value') }}

),

metric_table_rank as (

    select * from {{ ref('metric_table_rank') }}

),

score_reach as (

    select * from {{ ref('score_reach') }}

),

rank_reach as (

    select * from {{ ref('rank_reach') }}

),

final_segment as (

    select * from {{ ref('final_segment') }}

),

metric_value_difference as (

    select * from {{ ref('metric_value_difference') }}

),

derived_override as (

    select
        quarter,
        table_name,
        max(case when financial_override_basis = 'published' then 0 else 1 end) = 1 as is_any_derived
    from final_segment
    group by quarter, table_name

),

metric_score_figure as (

    select
        metric_score_exact.quarter,
        metric_score_exact.table_name,
        metric_score_exact.organisation_code,
        'OF1' || substr(metric_score_exact.metric_id, 4) as figure,
        {{ half_up('metric_score_exact.metric_score_exact') }} as computed,
        {{ half_up('metric_score_exact.admissible_score_low') }} as computed_low,
        {{ half_up('metric_score_exact.admissible_score_high') }} as computed_high,
        0.00 as tolerance,
        metric_score_exact.score_basis <> 'published'
        or metric_value.value is null
        or metric_score_exact.is_exact as is_computable,
        metric_score_exact.is_contradicted,
        metric_score_exact.score_basis || ': ' || metric_score_exact.score_basis_reason as reason
    from metric_score_exact
    left join metric_value
        on {{ same_metric_of_organisation('metric_score_exact', 'metric_value') }}

),

-- a value that differs from the published one within the bounds of what is known is another footprint or a
-- later revision: it is shown, and the published value is what is scored; outside them a file is wrong
metric_value_figure as (

    select
        quarter,
        table_name,
        organisation_code,
        metric_id as figure,
        printed_value as computed,
        printed_value as computed_low,
        printed_value as computed_high,
        tolerance,
        missing_reason is null and (not is_apart or not is_within_bounds) as is_computable,
        is_apart and not is_within_bounds as is_contradicted,
        case
            when missing_reason is not null then missing_reason
            when not is_apart then 'from the counts of ' || source
            when is_within_bounds then known_reason || '; the published value is scored'
            when known_reason is null
                then
                    'the counts of ' || source || ' lie '
                    || cast(cast(abs(difference) as decimal(18, 2)) as string)
                    || case when difference < 0 then ' below' else ' above' end
                    || ', further than any known difference: a file of it is damaged, or of another vintage'
            else
                'the counts of ' || source || ' differ for ' || cast(organisations_explained as string)
                || ' of ' || cast(organisations_compared as string)
                || ' organisations, more than known (' || known_reason || '): a file of it is damaged, or of '
                || 'another vintage'
        end as reason
    from metric_value_difference

),

metric_rank_figure as (

    select
        quarter,
        table_name,
        organisation_code,
        metric_id || '.rank' as figure,
        rank_in_table as computed,
        rank_in_table_low as computed_low,
        rank_in_table_high as computed_high,
        'rank of the value within the table' as reason
    from metric_table_rank
    union all
    select
        quarter,
        table_name,
        organisation_code,
        'OF1' || substr(metric_id, 4) || '.rank' as figure,
        rank_in_table as computed,
        rank_in_table_low as computed_low,
        rank_in_table_high as computed_high,
        'rank of the value within the table, repeated beside the score' as reason
    from metric_table_rank

),

average_figure as (

    select
        quarter,
        table_name,
        organisation_code,
        score_figure as figure,
        score as computed,
        score as computed_low,
        score as computed_high,
        tolerance,
        case
            when tolerance = 0 then 'weighted mean of the metric scores'
            else 'weighted mean of the metric scores; the rounding of this quarter is not known'
        end as reason
    from score_reach

),

segment_figure as (

    select
        quarter,
        table_name,
        organisation_code,
        segment_figure as figure,
        segment as computed,
        segment_low as computed_low,
        segment_high as computed_high,
        case
            when is_on_hidden_side
                then
                    'segment of the score against the cut-points; the publisher prints this score on both '
                    || 'sides of one, so that two places don''t say which side it is on'
            else 'segment of the score against the cut-points'
        end as reason
    from score_reach

),

rank_figure as (

    select
        rank_reach.quarter,
        rank_reach.table_name,
        rank_reach.organisation_code,
        rank_reach.figure || '.rank' as figure,
        rank_reach.rank as computed,
        rank_reach.rank_low as computed_low,
        rank_reach.rank_high as computed_high,
        rank_reach.figure <> 'OF5000' or not derived_override.is_any_derived as is_computable,
        case
            when rank_reach.figure <> 'OF5000' then 'rank of the score within the table'
            when derived_override.is_any_derived
                then 'rests on override flags that are derived, not published'
            else 'rank within the table: adjusted segment, then average at two places'
        end as reason
    from rank_reach
    inner join derived_override
        on
            rank_reach.quarter = derived_override.quarter
            and rank_reach.table_name = derived_override.table_name

),

override_figure as (

    select
        final_segment.quarter,
        final_segment.table_name,
        final_segment.organisation_code,
        'OF5000' as figure,
        final_segment.adjusted_segment as computed,
        rank_reach.segment_low as computed_low,
        rank_reach.segment_high as computed_high,
        final_segment.financial_override_basis = 'published' as is_computable,
        'unadjusted segment capped by the override' as reason
    from final_segment
    inner join rank_reach
        on
            {{ same_organisation('final_segment', 'rank_reach') }}
            and rank_reach.figure = 'OF5000'
    union all
    select
        quarter,
        table_name,
        organisation_code,
        'OF5004' as figure,
        case when financial_override then 1 else 0 end as computed,
        case when financial_override then 1 else 0 end as computed_low,
        case when financial_override then 1 else 0 end as computed_high,
        financial_override_basis = 'published' as is_computable,
        case
            when financial_override_basis = 'published' then 'an input: the publisher''s flag'
            when financial_override_basis = 'derived'
                then 'derived from planned and variance values: the publisher''s flag is absent'
            else 'neither a flag nor planned and variance values are at hand'
        end as reason
    from final_segment
    union all
    select
        final_segment.quarter,
        final_segment.table_name,
        final_segment.organisation_code,
        'OF5005' as figure,
        final_segment.final_segment as computed,
        case
            when final_segment.final_segment = final_segment.adjusted_segment then rank_reach.segment_low
            else final_segment.final_segment
        end as computed_low,
        case
            when final_segment.final_segment = final_segment.adjusted_segment then rank_reach.segment_high
            else final_segment.final_segment
        end as computed_high,
        final_segment.financial_override_basis = 'published' as is_computable,
        'adjusted segment, or the Recovery Support Programme''s' as reason
    from final_segment
    inner join rank_reach
        on
            {{ same_organisation('final_segment', 'rank_reach') }}
            and rank_reach.figure = 'OF5000'
    where final_segment.final_segment is not null

),

every_figure as (

    select
        quarter,
        table_name,
        organisation_code,
        figure,
        cast(computed as decimal(18, 6)) as computed,
        cast(computed_low as decimal(18, 6)) as computed_low,
        cast(computed_high as decimal(18, 6)) as computed_high,
        cast(tolerance as decimal(18, 6)) as tolerance,
        is_computable,
        is_contradicted,
        reason
    from metric_score_figure
    {%- for cte, tolerance, computable, contradicted in (
        ('metric_value_figure', 'tolerance', 'is_computable', 'is_contradicted'),
        ('metric_rank_figure', '0', 'true', 'false'),
        ('average_figure', 'tolerance', 'true', 'false'),
        ('segment_figure', '0', 'true', 'false'),
        ('rank_figure', '0', 'is_computable', 'false'),
        ('override_figure', '0', 'is_computable', 'false'),
    ) %}
        union all
        select
            quarter,
            table_name,
            organisation_code,
            figure,
            cast(computed as decimal(18, 6)) as computed,
            cast(computed_low as decimal(18, 6)) as computed_low,
            cast(computed_high as decimal(18, 6)) as computed_high,
            cast({{ tolerance }} as decimal(18, 6)) as tolerance,
            {{ computable }} as is_computable,
            {{ contradicted }} as is_contradicted,
            reason
        from {{ cte }}
    {%- endfor %}

)

select * from every_figure
