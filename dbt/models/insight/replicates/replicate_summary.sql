-- Likely ranges, step 4: ranks within each table and replicate, by segment, then by the average at two
-- places; and all replicates of each organisation summed up in one pass: both ends of the average with their
-- Monte-Carlo errors, and how often each rank, and each segment with its average at two places, came up.
with

replicate_place as (

    select * from {{ ref('replicate_place') }}

),

resampled_organisation as (

    select * from {{ ref('resampled_organisation') }}

),

likely_range_rule as (

    select * from {{ ref('likely_range_rule') }}

),

-- the averages are the same whatever the cut-points
gathered_average as (

    select
        organisation_number,
        {{ list_ordered_by('average_units', 'average_units') }} as averages
    from replicate_place
    where not is_requartiled
    group by organisation_number

),

average_end as (

    select
        gathered_average.organisation_number,
        {{ percentile_of_list('gathered_average.averages', 'likely_range_rule.low_percentile') }}
            as average_low_units,
        {{ percentile_of_list('gathered_average.averages', 'likely_range_rule.high_percentile') }}
            as average_high_units,
        greatest(
            {{ spread_at_percentile('gathered_average.averages', 'likely_range_rule.low_percentile') }},
            {{ spread_at_percentile('gathered_average.averages', 'likely_range_rule.high_percentile') }}
        ) as average_spread_units
    from gathered_average
    inner join resampled_organisation
        on gathered_average.organisation_number = resampled_organisation.organisation_number
    inner join likely_range_rule
        on resampled_organisation.framework = likely_range_rule.framework

),

outcome_count as (

    select
        is_requartiled,
        organisation_number,
        place_before_override,
        count(*) as times
    from replicate_place
    group by is_requartiled, organisation_number, place_before_override

),

outcome as (

    select
        is_requartiled,
        organisation_number,
        {{ list_ordered_by('struct_pack(place_before_override, times)', 'place_before_override') }}
            as outcomes
    from outcome_count
    group by is_requartiled, organisation_number

),

-- one number for what is ranked together: four of them sort at half the speed
replicate_rank as (

    select
        is_requartiled,
        organisation_number,
        rank() over (
            partition by {{ ranked_together('is_requartiled', 'table_number', 'replicate') }} order by place
        ) as rank
    from replicate_place

),

rank_count as (

    select
        is_requartiled,
        organisation_number,
        rank,
        count(*) as times
    from replicate_rank
    group by is_requartiled, organisation_number, rank

),

ranked as (

    select
        is_requartiled,
        organisation_number,
        {{ list_ordered_by('struct_pack(rank, times)', 'rank') }} as ranks
    from rank_count
    group by is_requartiled, organisation_number

),

final as (

    select
        resampled_organisation.quarter,
        resampled_organisation.framework,
        resampled_organisation.table_name,
        resampled_organisation.organisation_code,
        case when outcome.is_requartiled then 'requartiled' else 'fixed_cut_points' end as variant,
        resampled_organisation.best_segment,
        resampled_organisation.replicates,
        average_end.average_low_units,
        average_end.average_high_units,
        average_end.average_spread_units,
        outcome.outcomes,
        ranked.ranks
    from outcome
    inner join ranked
        on
            outcome.is_requartiled = ranked.is_requartiled
            and outcome.organisation_number = ranked.organisation_number
    inner join average_end
        on outcome.organisation_number = average_end.organisation_number
    inner join resampled_organisation
        on outcome.organisation_number = resampled_organisation.organisation_number

)

select * from final
