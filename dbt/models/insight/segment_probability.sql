-- How likely each segment is for each organisation: the share of replicates that end in it.
with

quarter_in_scope as (

    select * from {{ source('run', 'quarter_in_scope') }}

),

replicate_outcome as (

    select * from {{ source('drawn', 'replicate_outcome') }}

),

segment_boundary as (

    select * from {{ ref('segment_boundary') }}
    where applies_to = 'average'

),

-- one segment more than there are boundaries between them
segment as (

    select
        framework,
        segment
    from segment_boundary
    union
    select
        framework,
        max(segment) + 1 as segment
    from segment_boundary
    group by framework

),

counted as (

    select
        replicate_outcome.quarter,
        replicate_outcome.table_name,
        replicate_outcome.organisation_code,
        replicate_outcome.variant,
        segment.segment,
        max(replicate_outcome.replicates) as replicates,
        sum(
            case when segment.segment = replicate_outcome.adjusted_segment then times else 0 end
        ) as times,
        sum(
            case when segment.segment = replicate_outcome.unadjusted_segment then times else 0 end
        ) as times_before_override
    from replicate_outcome
    inner join segment
        on replicate_outcome.framework = segment.framework
    group by
        replicate_outcome.quarter, replicate_outcome.table_name, replicate_outcome.organisation_code,
        replicate_outcome.variant, segment.segment

),

final as (

    select
        quarter_in_scope.quarter,
        quarter_in_scope.release_id,
        quarter_in_scope.is_sample,
        counted.table_name,
        counted.organisation_code,
        counted.variant,
        cast(counted.segment as integer) as segment,
        cast(counted.times as integer) as times,
        {{ as_decimal("cast(counted.times as double) / counted.replicates", 18, 6) }} as probability,
        cast(counted.times_before_override as integer) as times_before_override,
        {{ as_decimal("cast(counted.times_before_override as double) / counted.replicates", 18, 6) }}
            as probability_before_override,
        counted.replicates
    from counted
    inner join quarter_in_scope
        on counted.quarter = quarter_in_scope.quarter

)

select * from final
