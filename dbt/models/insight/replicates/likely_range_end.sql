-- Likely ranges, step 6: both ends of segment and rank: the outcome at the place nearest to the percentile.
with

replicate_summary as (

    select * from {{ ref('replicate_summary') }}

),

replicate_outcome as (

    select * from {{ ref('replicate_outcome') }}

),

likely_range_rule as (

    select * from {{ ref('likely_range_rule') }}

),

-- places are counted from 1; one standard error of a percentile's place (binomial) is what draws leave open
nearest_place as (

    select
        framework,
        replicates,
        1 + cast(round(low_percentile * (replicates - 1)) as integer) as low_place,
        1 + cast(round(high_percentile * (replicates - 1)) as integer) as high_place,
        cast(round(sqrt(replicates * low_percentile * (1 - low_percentile))) as integer) as low_error,
        cast(round(sqrt(replicates * high_percentile * (1 - high_percentile))) as integer) as high_error
    from likely_range_rule

),

place as (

    select
        framework,
        low_place,
        high_place,
        greatest(1, low_place - low_error) as before_low,
        low_place + low_error as after_low,
        high_place - high_error as before_high,
        least(replicates, high_place + high_error) as after_high
    from nearest_place

),

segment_count as (

    select
        quarter,
        framework,
        table_name,
        organisation_code,
        variant,
        adjusted_segment,
        sum(times) as times
    from replicate_outcome
    group by quarter, framework, table_name, organisation_code, variant, adjusted_segment

),

ordered_segment as (

    select
        quarter,
        framework,
        table_name,
        organisation_code,
        variant,
        adjusted_segment,
        sum(times) over (
            partition by quarter, table_name, organisation_code, variant
            order by adjusted_segment
            rows between unbounded preceding and current row
        ) as up_to_place
    from segment_count

),

segment_end as (

    select
        ordered_segment.quarter,
        ordered_segment.table_name,
        ordered_segment.organisation_code,
        ordered_segment.variant,
        {{ first_from('adjusted_segment', 'up_to_place', 'place.low_place') }} as segment_low,
        {{ first_from('adjusted_segment', 'up_to_place', 'place.high_place') }} as segment_high
    from ordered_segment
    inner join place
        on ordered_segment.framework = place.framework
    group by
        ordered_segment.quarter, ordered_segment.table_name, ordered_segment.organisation_code,
        ordered_segment.variant

),

rank_count as (

    select
        quarter,
        framework,
        table_name,
        organisation_code,
        variant,
        replicates,
        {{ row_of_each('ranks') }} as counted
    from replicate_summary

),

ordered_rank as (

    select
        quarter,
        framework,
        table_name,
        organisation_code,
        variant,
        replicates,
        cast(counted.rank as integer) as rank,
        sum(counted.times) over (
            partition by quarter, table_name, organisation_code, variant
            order by counted.rank
            rows between unbounded preceding and current row
        ) as up_to_place
    from rank_count

),

rank_end as (

    select
        ordered_rank.quarter,
        ordered_rank.table_name,
        ordered_rank.organisation_code,
        ordered_rank.variant,
        {{ first_from('ordered_rank.rank', 'up_to_place', 'place.low_place') }} as rank_low,
        {{ first_from('ordered_rank.rank', 'up_to_place', 'place.high_place') }} as rank_high,
        {{ first_from('ordered_rank.rank', 'up_to_place', 'place.after_low') }}
        - {{ first_from('ordered_rank.rank', 'up_to_place', 'place.before_low') }} as rank_low_spread,
        {{ first_from('ordered_rank.rank', 'up_to_place', 'place.after_high') }}
        - {{ first_from('ordered_rank.rank', 'up_to_place', 'place.before_high') }} as rank_high_spread
    from ordered_rank
    inner join place
        on ordered_rank.framework = place.framework
    group by
        ordered_rank.quarter, ordered_rank.table_name, ordered_rank.organisation_code, ordered_rank.variant

),

final as (

    select
        replicate_summary.quarter,
        replicate_summary.framework,
        replicate_summary.table_name,
        replicate_summary.organisation_code,
        replicate_summary.variant,
        replicate_summary.replicates,
        {{ units_at_two_places('replicate_summary.average_low_units') }} as average_low,
        {{ units_at_two_places('replicate_summary.average_high_units') }} as average_high,
        {{ half_in_units('replicate_summary.average_spread_units') }} as average_mc_error,
        segment_end.segment_low,
        segment_end.segment_high,
        rank_end.rank_low,
        rank_end.rank_high,
        cast(greatest(rank_end.rank_low_spread, rank_end.rank_high_spread) / 2.0 as decimal(18, 1))
            as rank_mc_error
    from replicate_summary
    inner join segment_end
        on
            replicate_summary.quarter = segment_end.quarter
            and replicate_summary.table_name = segment_end.table_name
            and replicate_summary.organisation_code = segment_end.organisation_code
            and replicate_summary.variant = segment_end.variant
    inner join rank_end
        on
            replicate_summary.quarter = rank_end.quarter
            and replicate_summary.table_name = rank_end.table_name
            and replicate_summary.organisation_code = rank_end.organisation_code
            and replicate_summary.variant = rank_end.variant

)

select * from final
