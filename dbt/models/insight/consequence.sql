-- What the framework attaches to each outcome: one row per organisation and policy. `depends` where the
-- segment alone doesn't decide; which quarters a segment has lasted is in segment_persistence.
with

quarter_in_scope as (

    select * from {{ source('run', 'quarter_in_scope') }}

),

policy as (

    select * from {{ ref('policy') }}

),

final_segment as (

    select * from {{ ref('final_segment') }}

),

final as (

    select
        quarter_in_scope.quarter,
        quarter_in_scope.release_id,
        quarter_in_scope.is_sample,
        final_segment.table_name,
        final_segment.organisation_code,
        policy.policy,
        coalesce(
            cast(final_segment.final_segment as integer), final_segment.adjusted_segment
        ) as segment,
        case when final_segment.final_segment is null then 'adjusted' else 'final' end as segment_basis,
        case
            when
                policy.segments <> 'all'
                and ',' || policy.segments || ',' not like '%,' || cast(
                    coalesce(cast(final_segment.final_segment as integer), final_segment.adjusted_segment)
                    as string
                ) || ',%'
                then 'no'
            when policy.depends_on is not null then 'depends'
            else 'yes'
        end as applies,
        policy.segments as policy_segments,
        policy.depends_on,
        policy.rule,
        policy.state,
        policy.source,
        policy.note
    from final_segment
    inner join quarter_in_scope
        on final_segment.quarter = quarter_in_scope.quarter
    inner join policy
        on final_segment.framework = policy.framework

)

select * from final
