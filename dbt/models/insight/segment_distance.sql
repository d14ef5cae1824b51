-- How far each organisation is from the next segment: the average that reaches the better one, and the
-- margin to the worse one, with the cut-points as they are. Where the override holds, no average reaches a
-- better segment.
with

quarter_in_scope as (

    select * from {{ source('run', 'quarter_in_scope') }}

),

average_limit as (

    select * from {{ ref('average_limit') }}

),

final_segment as (

    select * from {{ ref('final_segment') }}

),

framework_parameter as (

    select * from {{ ref('framework_parameter') }}
    where parameter = 'override_no_better_than_segment'

),

final as (

    select
        quarter_in_scope.quarter,
        quarter_in_scope.release_id,
        quarter_in_scope.is_sample,
        average_limit.table_name,
        average_limit.organisation_code,
        average_limit.average_metric_score_exact,
        final_segment.unadjusted_segment,
        final_segment.adjusted_segment,
        case when final_segment.unadjusted_segment > 1 then final_segment.unadjusted_segment - 1 end
            as better_segment,
        average_limit.better_limit as average_needed,
        {{ exact('average_limit.average_metric_score_exact - average_limit.better_limit') }}
            as improvement_needed,
        {{ exact('average_limit.worse_limit - average_limit.average_metric_score_exact') }}
            as margin_to_worse,
        final_segment.financial_override
        and final_segment.unadjusted_segment <= framework_parameter.value as override_holds,
        final_segment.threshold_basis
    from average_limit
    inner join quarter_in_scope
        on average_limit.quarter = quarter_in_scope.quarter
    inner join final_segment
        on {{ same_organisation('average_limit', 'final_segment') }}
    inner join framework_parameter
        on final_segment.framework = framework_parameter.framework

)

select * from final
