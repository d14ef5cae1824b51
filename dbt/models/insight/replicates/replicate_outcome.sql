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
        outcome.unadjusted_segment,
        greatest(outcome.unadjusted_segment, best_segment) as adjusted_segment,
        outcome.average_hundredths,
        cast(outcome.times as integer) as times
    from unnested

)

select * from final
