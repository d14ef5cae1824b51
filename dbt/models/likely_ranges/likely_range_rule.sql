-- Likely ranges, the rule: the parameters of each framework, one row each, every number from the seed.
with

likely_range_parameter as (

    select * from {{ ref('likely_range_parameter') }}

),

final as (

    select
        framework,
        cast(max(case when parameter = 'replicates' then number end) as integer) as replicates,
        max(case when parameter = 'low_percentile' then number end) as low_percentile,
        max(case when parameter = 'high_percentile' then number end) as high_percentile,
        max(case when parameter = 'part_weights_enter' then choice end) as part_weights_enter,
        max(case when parameter = 'told_apart_from' then number end) as told_apart_from,
        max(case when parameter = 'published_average_tolerance' then number end)
            as published_average_tolerance,
        max(case when parameter = 'published_rank_tolerance' then number end) as published_rank_tolerance
    from likely_range_parameter
    group by framework

)

select * from final
