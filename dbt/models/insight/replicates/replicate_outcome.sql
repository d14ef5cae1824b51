-- Likely ranges, step 5: how often each outcome came up, a row each: the segment before and after the
-- override, and the average at two places.
with

replicate_summary as (

    select * from {{ ref('replicate_summary') }}

),

unnested as (

    select
        quarter,
        framework,
        table_name,
        organisation_code,
        variant,
        replicates,
        best_segment,
        {{ row_of_each('outcomes') }} as outcome
    from replicate_summary

),

final as (

    select
        quarter,
        framework,
        table_name,
        organisation_code,
        variant,
        replicates,
        {{ segment_of_place('outcome.place_before_override') }} as unadjusted_segment,
        greatest({{ segment_of_place('outcome.place_before_override') }}, best_segment) as adjusted_segment,
        {{ hundredths_of_place('outcome.place_before_override') }} as average_hundredths,
        cast(outcome.times as integer) as times
    from unnested

)

select * from final
