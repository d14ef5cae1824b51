-- Steps 3.4 and 3.5: the override caps the segment; a trust in the Recovery Support Programme ends in
-- segment 5 (published for the first two quarters only; empty where the programme isn't published).
with

unadjusted_segment as (

    select * from {{ ref('unadjusted_segment') }}
    where applies_to = 'average'

),

financial_override as (

    select * from {{ ref('financial_override') }}

),

published_figure as (

    select * from {{ ref('published_figure') }}
    where figure = 'OF5007'

),

framework_parameter as (

    select
        framework,
        max(case when parameter = 'override_no_better_than_segment' then value end) as override_segment,
        max(case when parameter = 'recovery_support_segment' then value end) as recovery_support_segment
    from {{ ref('framework_parameter') }}
    group by framework

),

adjusted as (

    select
        unadjusted_segment.quarter,
        unadjusted_segment.framework,
        unadjusted_segment.table_name,
        unadjusted_segment.organisation_code,
        unadjusted_segment.segment as unadjusted_segment,
        unadjusted_segment.threshold_basis,
        financial_override.financial_override,
        financial_override.financial_override_basis,
        case
            when
                financial_override.financial_override
                and unadjusted_segment.segment < framework_parameter.override_segment
                then framework_parameter.override_segment
            else unadjusted_segment.segment
        end as adjusted_segment,
        framework_parameter.recovery_support_segment,
        published_figure.value as recovery_support
    from unadjusted_segment
    inner join financial_override
        on {{ same_organisation('unadjusted_segment', 'financial_override') }}
    inner join framework_parameter
        on unadjusted_segment.framework = framework_parameter.framework
    left join published_figure
        on {{ same_organisation('unadjusted_segment', 'published_figure') }}

),

final as (

    select
        quarter,
        framework,
        table_name,
        organisation_code,
        unadjusted_segment,
        threshold_basis,
        financial_override,
        financial_override_basis,
        adjusted_segment,
        case
            when recovery_support = 1 then recovery_support_segment
            when recovery_support = 0 then adjusted_segment
        end as final_segment
    from adjusted

)

select * from final
