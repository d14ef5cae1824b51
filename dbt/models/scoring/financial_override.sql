-- Step 3.4: the financial override flag: the publisher's, else derived from planned deficit and variance.
with

average_metric_score as (

    select * from {{ ref('average_metric_score') }}

),

published_figure as (

    select * from {{ ref('published_figure') }}
    where figure = 'OF5004'

),

metric_value as (

    select * from {{ ref('metric_value') }}

),

matrix_input as (

    select * from {{ ref('matrix_input') }}

),

in_deficit as (

    select
        metric_value.quarter,
        metric_value.table_name,
        metric_value.organisation_code,
        max(case when metric_value.value < 0 then 1 else 0 end) as is_in_deficit
    from metric_value
    inner join matrix_input
        on
            metric_value.framework = matrix_input.framework
            and metric_value.metric_id = matrix_input.input_metric_id
    where metric_value.value is not null
    group by metric_value.quarter, metric_value.table_name, metric_value.organisation_code

),

final as (

    select
        average_metric_score.quarter,
        average_metric_score.framework,
        average_metric_score.table_name,
        average_metric_score.organisation_code,
        coalesce(published_figure.value, in_deficit.is_in_deficit, 0) = 1 as financial_override,
        case
            when published_figure.value is not null then 'published'
            when in_deficit.is_in_deficit is not null then 'derived'
            else 'unknown'
        end as financial_override_basis
    from average_metric_score
    left join published_figure
        on {{ same_organisation('average_metric_score', 'published_figure') }}
    left join in_deficit
        on {{ same_organisation('average_metric_score', 'in_deficit') }}

)

select * from final
