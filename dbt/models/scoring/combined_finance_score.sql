-- Step 2.3: combined finance, from the matrix of planned and variance scores. Only this one enters averages.
with

metric_score_band as (

    select * from {{ ref('metric_score_band') }}

),

metric_value as (

    select * from {{ ref('metric_value') }}

),

combined_finance as (

    select * from {{ ref('combined_finance') }}

),

metric_rule as (

    select * from {{ ref('metric_rule') }}
    where rule = 'matrix'

),

matrix_input as (

    select * from {{ ref('matrix_input') }}

),

finance_score as (

    select
        metric_score_band.quarter,
        metric_score_band.framework,
        metric_score_band.table_name,
        metric_score_band.organisation_code,
        max(
            case when matrix_input.axis = 'planned' then metric_score_band.metric_score_exact end
        ) as planned_score,
        max(
            case when matrix_input.axis = 'variance' then metric_score_band.metric_score_exact end
        ) as variance_score
    from metric_score_band
    inner join matrix_input
        on
            metric_score_band.framework = matrix_input.framework
            and metric_score_band.metric_id = matrix_input.input_metric_id
    group by
        metric_score_band.quarter,
        metric_score_band.framework,
        metric_score_band.table_name,
        metric_score_band.organisation_code

),

published as (

    select
        metric_value.quarter,
        metric_value.framework,
        metric_value.table_name,
        metric_value.organisation_code,
        metric_value.metric_id,
        metric_value.unit,
        metric_value.published_score
    from metric_value
    inner join metric_rule
        on {{ same_metric('metric_value', 'metric_rule') }}

),

matched as (

    select
        coalesce(published.quarter, finance_score.quarter) as quarter,
        coalesce(published.framework, finance_score.framework) as framework,
        coalesce(published.table_name, finance_score.table_name) as table_name,
        coalesce(published.organisation_code, finance_score.organisation_code) as organisation_code,
        published.published_score,
        combined_finance.combined_score
    from published
    full outer join finance_score
        on {{ same_organisation('published', 'finance_score') }}
    left join combined_finance
        on
            finance_score.framework = combined_finance.framework
            and finance_score.planned_score = combined_finance.planned_score
            and finance_score.variance_score = combined_finance.variance_score

),

final as (

    select
        matched.quarter,
        matched.framework,
        matched.table_name,
        matched.organisation_code,
        metric_rule.metric_id,
        metric_rule.unit,
        {{ exact('coalesce(matched.combined_score, matched.published_score)') }} as metric_score_exact,
        {{ exact('coalesce(matched.combined_score, matched.published_score)') }} as admissible_score_low,
        {{ exact('coalesce(matched.combined_score, matched.published_score)') }} as admissible_score_high,
        case when matched.combined_score is null then 'published' else 'computed' end as score_basis,
        case
            when matched.combined_score is null then 'the planned or the variance score is missing'
            else 'matrix of planned and variance score'
        end as score_basis_reason,
        true as is_exact,
        coalesce(matched.combined_score <> matched.published_score, false) as is_contradicted
    from matched
    inner join metric_rule
        on matched.framework = metric_rule.framework
    where coalesce(matched.combined_score, matched.published_score) is not null

)

select * from final
