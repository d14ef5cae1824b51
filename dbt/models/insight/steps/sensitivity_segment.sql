-- Sensitivity, step 4: the segment under each choice, before and after the override.
with

sensitivity_average as (

    select * from {{ ref('sensitivity_average') }}

),

sensitivity_cut_point as (

    select * from {{ ref('sensitivity_cut_point') }}

),

final_segment as (

    select * from {{ ref('final_segment') }}

),

framework_parameter as (

    select * from {{ ref('framework_parameter') }}
    where parameter = 'override_no_better_than_segment'

),

segmented as (

    select
        sensitivity_average.quarter,
        sensitivity_average.framework,
        sensitivity_average.table_name,
        sensitivity_average.organisation_code,
        sensitivity_average.choice,
        sensitivity_average.subject,
        sensitivity_average.compared_with,
        sensitivity_average.metric_count,
        sensitivity_average.average_metric_score_exact,
        sensitivity_average.average_metric_score,
        max(sensitivity_cut_point.threshold_basis) as threshold_basis,
        {{ segment_among(
            'sensitivity_average.average_metric_score_exact', 'sensitivity_average.average_metric_score',
            'sensitivity_cut_point'
        ) }} as unadjusted_segment
    from sensitivity_average
    inner join sensitivity_cut_point
        on {{ same_comparison('sensitivity_average', 'sensitivity_cut_point') }}
    group by
        sensitivity_average.quarter,
        sensitivity_average.framework,
        sensitivity_average.table_name,
        sensitivity_average.organisation_code,
        sensitivity_average.choice,
        sensitivity_average.subject,
        sensitivity_average.compared_with,
        sensitivity_average.metric_count,
        sensitivity_average.average_metric_score_exact,
        sensitivity_average.average_metric_score

),

final as (

    select
        segmented.quarter,
        segmented.table_name,
        segmented.organisation_code,
        segmented.choice,
        segmented.subject,
        segmented.compared_with,
        segmented.metric_count,
        segmented.average_metric_score_exact,
        segmented.average_metric_score,
        segmented.threshold_basis,
        segmented.unadjusted_segment,
        cast(case
            when
                final_segment.financial_override
                and segmented.choice <> 'without_override'
                and segmented.unadjusted_segment < framework_parameter.value
                then framework_parameter.value
            else segmented.unadjusted_segment
        end as integer) as adjusted_segment
    from segmented
    inner join final_segment
        on {{ same_organisation('segmented', 'final_segment') }}
    inner join framework_parameter
        on segmented.framework = framework_parameter.framework

)

select * from final
