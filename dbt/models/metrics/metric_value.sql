-- Step: one normal form of what was measured: a row per organisation and metric, with direction,
-- precision, the published score and rank, and the source row of each.
with

published_value as (

    select
        *,
        figure as metric_id
    from {{ ref('stg_nof_figure') }}
    where figure like 'OF0%'

),

published_score as (

    select
        *,
        'OF0' || substr(figure, 4) as metric_id
    from {{ ref('stg_nof_figure') }}
    where figure like 'OF1%'

),

compared_value as (

    select
        quarter,
        organisation_code,
        figure as metric_id,
        value
    from {{ ref('stg_nof_figure') }}
    where figure like 'OF0%' and value is not null

),

metric as (

    select * from {{ ref('metric') }}

),

metric_rule as (

    select * from {{ ref('metric_rule') }}

),

computed_metric_value as (

    select * from {{ ref('computed_metric_value') }}

),

value_and_score as (

    select
        coalesce(published_value.quarter, published_score.quarter) as quarter,
        coalesce(published_value.framework, published_score.framework) as framework,
        coalesce(published_value.table_name, published_score.table_name) as table_name,
        coalesce(published_value.organisation_code, published_score.organisation_code) as organisation_code,
        coalesce(published_value.organisation_name, published_score.organisation_name) as organisation_name,
        coalesce(
            published_value.organisation_subtype, published_score.organisation_subtype
        ) as organisation_subtype,
        coalesce(published_value.region, published_score.region) as region,
        coalesce(published_value.metric_id, published_score.metric_id) as metric_id,
        published_value.unit,
        published_value.value,
        published_score.value as published_score,
        published_value.published_rank,
        published_score.published_rank as score_published_rank,
        published_value.median_value as published_median,
        published_value.lower_quartile as published_lower_quartile,
        published_value.upper_quartile as published_upper_quartile,
        coalesce(published_value.reporting_date, published_score.reporting_date) as period,
        published_value.extract_id,
        published_value.sheet,
        published_value.source_row,
        published_score.extract_id as score_extract_id,
        published_score.sheet as score_sheet,
        published_score.source_row as score_source_row
    from published_value
    full outer join published_score
        on {{ same_metric_of_organisation('published_value', 'published_score') }}

),

-- a statistic comes before the published values where it reproduces every one of them as printed; where none could,
-- no value is looked at
leading_statistic as (

    select distinct
        quarter,
        metric_id
    from computed_metric_value
    where precedence = 1

),

statistic_in_use as (

    select
        compared_value.quarter,
        compared_value.metric_id
    from compared_value
    inner join leading_statistic
        on
            compared_value.quarter = leading_statistic.quarter
            and compared_value.metric_id = leading_statistic.metric_id
    left join computed_metric_value
        on {{ same_metric_of_code('compared_value', 'computed_metric_value') }}
    group by compared_value.quarter, compared_value.metric_id
    having
        min(computed_metric_value.precedence) = 1
        and sum(case when computed_metric_value.printed_value = compared_value.value then 0 else 1 end) = 0

),

final as (

    select
        value_and_score.quarter,
        value_and_score.framework,
        value_and_score.table_name,
        value_and_score.organisation_code,
        value_and_score.organisation_name,
        value_and_score.organisation_subtype,
        value_and_score.region,
        value_and_score.metric_id,
        metric.metric_name,
        metric.domain,
        metric.better,
        coalesce(metric_rule.unit, metric.unit) as unit,
        value_and_score.value,
        case
            when statistic_in_use.metric_id is not null then computed_metric_value.source
            else 'nof_data'
        end as value_source,
        -- what is ranked: the value from the statistic's counts, else the value as printed
        case
            when statistic_in_use.metric_id is not null then computed_metric_value.rank_value
            else {{ exact('value_and_score.value') }}
        end as rank_value,
        -- a count and a value from counts are exact; any other is known to its published places
        case
            when value_and_score.unit = 'count' or statistic_in_use.metric_id is not null
                then cast(null as integer)
            else metric.value_dp
        end as value_dp,
        value_and_score.published_score,
        value_and_score.published_rank,
        value_and_score.score_published_rank,
        value_and_score.published_median,
        value_and_score.published_lower_quartile,
        value_and_score.published_upper_quartile,
        value_and_score.period,
        value_and_score.extract_id,
        value_and_score.sheet,
        value_and_score.source_row,
        value_and_score.score_extract_id,
        value_and_score.score_sheet,
        value_and_score.score_source_row
    from value_and_score
    inner join metric
        on {{ same_metric('value_and_score', 'metric') }}
    left join metric_rule
        on {{ same_metric_and_unit('value_and_score', 'metric_rule') }}
    left join statistic_in_use
        on
            value_and_score.quarter = statistic_in_use.quarter
            and value_and_score.metric_id = statistic_in_use.metric_id
    left join computed_metric_value
        on {{ same_metric_of_code('value_and_score', 'computed_metric_value') }}

)

select * from final
