-- Likely ranges, step 3: the rank of each organisation within its table in each replicate: by segment, capped
-- by the override, then by the average at two places. The variant `requartiled` makes the national quartiles
-- anew in each replicate.
{{ config(materialized='view') }}
with

replicate_average as (

    select * from {{ ref('replicate_average') }}

),

resampled_organisation as (

    select * from {{ ref('resampled_organisation') }}
    where threshold_basis = 'national_quartiles'

),

segment_boundary as (

    select * from {{ ref('segment_boundary') }}
    where applies_to = 'average' and quantile is not null

),

nationally_placed as (

    select
        replicate_average.*,
        resampled_organisation.quarter_number,
        resampled_organisation.framework
    from replicate_average
    inner join resampled_organisation
        on replicate_average.organisation_number = resampled_organisation.organisation_number

),

national_average as (

    select
        quarter_number,
        replicate,
        framework,
        {{ list_ordered_by('average_units', 'average_units') }} as averages
    from nationally_placed
    group by quarter_number, replicate, framework

),

replicate_quartile as (

    select
        national_average.quarter_number,
        national_average.replicate,
        {{ list_ordered_by(
            beyond_units(percentile_of_list('national_average.averages', 'segment_boundary.quantile')),
            'segment_boundary.segment'
        ) }} as cut_points
    from national_average
    inner join segment_boundary
        on national_average.framework = segment_boundary.framework
    group by national_average.quarter_number, national_average.replicate

),

placed as (

    select
        'fixed_cut_points' as variant,
        organisation_number,
        table_number,
        replicate,
        average_units,
        average_hundredths,
        unadjusted_segment,
        best_segment
    from replicate_average
    union all
    select
        'requartiled' as variant,
        nationally_placed.organisation_number,
        nationally_placed.table_number,
        nationally_placed.replicate,
        nationally_placed.average_units,
        nationally_placed.average_hundredths,
        {{ segment_of(
            'nationally_placed.average_units', 'nationally_placed.average_hundredths', "'national_quartiles'",
            'replicate_quartile.cut_points'
        ) }} as unadjusted_segment,
        nationally_placed.best_segment
    from nationally_placed
    inner join replicate_quartile
        on
            nationally_placed.quarter_number = replicate_quartile.quarter_number
            and nationally_placed.replicate = replicate_quartile.replicate

),

-- adjusted segment, then average at two places, in one small number: it sorts in half the time
keyed as (

    select
        *,
        {{ place_key('greatest(unadjusted_segment, best_segment)', 'average_hundredths') }} as place_key
    from placed

),

final as (

    select
        variant,
        organisation_number,
        replicate,
        average_units,
        average_hundredths,
        unadjusted_segment,
        cast(rank() over (
            partition by variant, table_number, replicate order by place_key
        ) as integer) as rank
    from keyed

)

select * from final
