-- Domain scores and segments.
with

quarter_in_scope as (

    select * from {{ source('run', 'quarter_in_scope') }}

),

domain_average as (

    select * from {{ ref('domain_average') }}

),

unadjusted_segment as (

    select * from {{ ref('unadjusted_segment') }}
    where applies_to = 'domain'

),

final as (

    select
        quarter_in_scope.quarter,
        quarter_in_scope.release_id,
        quarter_in_scope.is_sample,
        domain_average.table_name,
        domain_average.organisation_code,
        domain_average.domain,
        domain_average.domain_score,
        domain_average.domain_score_exact,
        unadjusted_segment.segment as domain_segment,
        unadjusted_segment.threshold_basis,
        domain_average.metric_count
    from domain_average
    inner join quarter_in_scope
        on domain_average.quarter = quarter_in_scope.quarter
    inner join unadjusted_segment
        on
            {{ same_organisation('domain_average', 'unadjusted_segment') }}
            and domain_average.domain = unadjusted_segment.domain

)

select * from final
