-- What to know before a figure is used, as rows: one per organisation, metric (empty: the average) and
-- caveat.
with

quarter_in_scope as (

    select * from {{ source('run', 'quarter_in_scope') }}

),

metric_score_exact as (

    select * from {{ ref('metric_score_exact') }}

),

metric_value as (

    select * from {{ ref('metric_value') }}

),

metric as (

    select * from {{ ref('metric') }}

),

rate_rule as (

    select * from {{ ref('metric_rule') }}
    where unit = 'rate'

),

reporting_period as (

    select * from {{ ref('stg_reporting_period') }}

),

average_metric_score as (

    select * from {{ ref('average_metric_score') }}

),

final_segment as (

    select * from {{ ref('final_segment') }}

),

organisation_successor as (

    select * from {{ ref('organisation_successor') }}

),

insight_parameter as (

    select
        framework,
        max(case when parameter = 'old_data_months' then value end) as old_data_months,
        max(case when parameter = 'few_metrics_share' then value end) as few_metrics_share,
        max(case when parameter = 'small_pool_size' then value end) as small_pool_size
    from {{ ref('insight_parameter') }}
    group by framework

),

scored as (

    select
        metric_score_exact.quarter,
        metric_score_exact.framework,
        metric_score_exact.table_name,
        metric_score_exact.organisation_code,
        metric_score_exact.metric_id,
        metric_score_exact.unit,
        metric_score_exact.pool_size,
        metric_score_exact.score_basis,
        metric_score_exact.score_basis_reason,
        metric.score_only,
        rate_rule.metric_id is not null as is_elsewhere_a_rate,
        metric_value.period,
        reporting_period.months_old,
        insight_parameter.old_data_months,
        insight_parameter.small_pool_size
    from metric_score_exact
    inner join metric
        on {{ same_metric('metric_score_exact', 'metric') }}
    inner join insight_parameter
        on metric_score_exact.framework = insight_parameter.framework
    left join rate_rule
        on {{ same_metric('metric_score_exact', 'rate_rule') }}
    left join metric_value
        on {{ same_metric_of_organisation('metric_score_exact', 'metric_value') }}
    left join reporting_period
        on
            metric_value.quarter = reporting_period.quarter
            and metric_value.period = reporting_period.period

),

placed_count as (

    select
        quarter,
        table_name,
        metric_count,
        row_number() over (
            partition by quarter, table_name
            order by metric_count, organisation_code
        ) as place,
        count(*) over (partition by quarter, table_name) as organisations
    from average_metric_score

),

usual_count as (

    select
        quarter,
        table_name,
        {{ linear_percentile('metric_count', 'place', 'organisations', '0.5') }} as median_metric_count
    from placed_count
    group by quarter, table_name

),

every_caveat as (

    select
        quarter,
        table_name,
        organisation_code,
        metric_id,
        'old_data' as caveat,
        cast(months_old as decimal(18, 6)) as amount,
        'data of ' || period || ', ' || cast(months_old as string) || ' months before the end of the quarter'
            as caveat_text
    from scored
    where months_old >= old_data_months
    union all
    select
        quarter,
        table_name,
        organisation_code,
        metric_id,
        'age_unknown' as caveat,
        cast(null as decimal(18, 6)) as amount,
        'the period ' || coalesce('"' || period || '"', 'that is missing') || ' names no month' as caveat_text
    from scored
    where months_old is null
    union all
    select
        quarter,
        table_name,
        organisation_code,
        metric_id,
        'score_only' as caveat,
        cast(null as decimal(18, 6)) as amount,
        'only the score is published, not what was measured' as caveat_text
    from scored
    where score_only
    union all
    select
        quarter,
        table_name,
        organisation_code,
        metric_id,
        score_basis || '_basis' as caveat,
        cast(null as decimal(18, 6)) as amount,
        score_basis_reason as caveat_text
    from scored
    where score_basis in ('resolved', 'published') and not score_only
    union all
    select
        quarter,
        table_name,
        organisation_code,
        metric_id,
        'small_numbers' as caveat,
        cast(null as decimal(18, 6)) as amount,
        'scored on a count of cases, as a rate of so few would mislead' as caveat_text
    from scored
    where unit = 'count' and is_elsewhere_a_rate
    union all
    select
        quarter,
        table_name,
        organisation_code,
        metric_id,
        'small_pool' as caveat,
        cast(pool_size as decimal(18, 6)) as amount,
        'ranked among ' || cast(pool_size as string) || ' only: one place moves the score far' as caveat_text
    from scored
    where pool_size < small_pool_size
    union all
    select
        average_metric_score.quarter,
        average_metric_score.table_name,
        average_metric_score.organisation_code,
        cast(null as string) as metric_id,
        'few_metrics' as caveat,
        cast(average_metric_score.metric_count as decimal(18, 6)) as amount,
        cast(average_metric_score.metric_count as string)
        || ' metrics behind the average; half of the table has '
        || cast(cast(round(usual_count.median_metric_count) as integer) as string)
        || ' or more' as caveat_text
    from average_metric_score
    inner join usual_count
        on
            average_metric_score.quarter = usual_count.quarter
            and average_metric_score.table_name = usual_count.table_name
    inner join insight_parameter
        on average_metric_score.framework = insight_parameter.framework
    where
        average_metric_score.metric_count
        < insight_parameter.few_metrics_share * usual_count.median_metric_count
    union all
    select
        final_segment.quarter,
        final_segment.table_name,
        final_segment.organisation_code,
        cast(null as string) as metric_id,
        'published_cut_points' as caveat,
        cast(null as decimal(18, 6)) as amount,
        'a table is missing, so the cut-points are read off the published segments'
            as caveat_text
    from final_segment
    where final_segment.threshold_basis = 'published'
    union all
    select
        final_segment.quarter,
        final_segment.table_name,
        final_segment.organisation_code,
        cast(null as string) as metric_id,
        'override_flag_' || final_segment.financial_override_basis as caveat,
        cast(null as decimal(18, 6)) as amount,
        case
            when final_segment.financial_override_basis = 'derived'
                then
                    'the override flag is derived from planned and variance values: '
                    || 'it misses some and flags others wrongly'
            else 'no override flag, nor the values to derive one from: taken as not flagged'
        end as caveat_text
    from final_segment
    where final_segment.financial_override_basis <> 'published'
    union all
    select
        average_metric_score.quarter,
        average_metric_score.table_name,
        average_metric_score.organisation_code,
        cast(null as string) as metric_id,
        case
            when organisation_successor.successor_code = average_metric_score.organisation_code
                then 'merger_received'
            else 'merged_since'
        end as caveat,
        cast(null as decimal(18, 6)) as amount,
        organisation_successor.organisation_code || ' became part of '
        || organisation_successor.successor_code || ' on '
        || organisation_successor.effective_date as caveat_text
    from average_metric_score
    inner join organisation_successor
        on
            average_metric_score.organisation_code in (
                organisation_successor.organisation_code, organisation_successor.successor_code
            )
    inner join quarter_in_scope
        on
            average_metric_score.quarter = quarter_in_scope.quarter
            and organisation_successor.is_sample = quarter_in_scope.is_sample

),

final as (

    select
        quarter_in_scope.quarter,
        quarter_in_scope.release_id,
        quarter_in_scope.is_sample,
        every_caveat.table_name,
        every_caveat.organisation_code,
        every_caveat.metric_id,
        every_caveat.caveat,
        every_caveat.amount,
        every_caveat.caveat_text
    from every_caveat
    inner join quarter_in_scope
        on every_caveat.quarter = quarter_in_scope.quarter

)

select * from final
