-- Likely ranges, step 3: what places each organisation in each replicate: its segment before and after the
-- override with its average at two places. Where the cut-points are national quartiles, once more with the
-- quartiles that the replicate itself has: the variant `requartiled`.
{{ config(materialized='view') }}
with

replicate_average as (

    select * from {{ ref('replicate_average') }}

),

resampled_organisation as (

    select * from {{ ref('resampled_organisation') }}

),

segment_boundary as (

    select * from {{ ref('segment_boundary') }}
    where applies_to = 'average' and quantile is not null

),

quarter_quantile as (

    select distinct
        resampled_organisation.quarter_number,
        segment_boundary.segment,
        segment_boundary.quantile
    from resampled_organisation
    inner join segment_boundary
        on resampled_organisation.framework = segment_boundary.framework

),

national_average as (

    select
        quarter_number,
        replicate,
        {{ list_ordered_by('average_units', 'average_units') }} as averages
    from replicate_average
    where is_nationally_placed
    group by quarter_number, replicate

),

replicate_quartile as (

    select
        national_average.quarter_number,
        national_average.replicate,
        {{ list_ordered_by(
            beyond_units(percentile_of_list('national_average.averages', 'quarter_quantile.quantile')),
            'quarter_quantile.segment'
        ) }} as cut_points
    from national_average
    inner join quarter_quantile
        on national_average.quarter_number = quarter_quantile.quarter_number
    group by national_average.quarter_number, national_average.replicate

),

placed as (

    select
        false as is_requartiled,
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
        true as is_requartiled,
        replicate_average.organisation_number,
        replicate_average.table_number,
        replicate_average.replicate,
        replicate_average.average_units,
        replicate_average.average_hundredths,
        {{ segment_of(
            'replicate_average.average_units', 'replicate_average.average_hundredths', "'national_quartiles'",
            'replicate_quartile.cut_points'
        ) }} as unadjusted_segment,
        replicate_average.best_segment
    from replicate_average
    inner join replicate_quartile
        on
            replicate_average.quarter_number = replicate_quartile.quarter_number
            and replicate_average.replicate = replicate_quartile.replicate
    where replicate_average.is_nationally_placed

),

final as (

    select
        is_requartiled,
        organisation_number,
        table_number,
        replicate,
        average_units,
        {{ place_key('unadjusted_segment', 'average_hundredths') }} as place_before_override,
        {{ place_key('greatest(unadjusted_segment, best_segment)', 'average_hundredths') }} as place
    from placed

)

select * from final
