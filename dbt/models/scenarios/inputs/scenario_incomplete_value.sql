-- Re-scoring apart, step 1: why counts at hand give no value: what an organisation's counts lack, or that the
-- files hold none of it.
with

quarter_in_scope as (

    select * from {{ source('run', 'quarter_in_scope') }}

),

computed_metric_value as (

    select * from {{ ref('computed_metric_value') }}
    where quarter in (select quarter from quarter_in_scope)

),

metric_score as (

    select * from {{ source('released', 'metric_score') }}
    where value is not null

),

counted_metric as (

    select distinct
        metric_id,
        source
    from computed_metric_value

),

final as (

    select
        metric_id,
        organisation_code,
        missing_reason
    from computed_metric_value
    where printed_value is null
    union all
    select
        metric_score.metric_id,
        metric_score.organisation_code,
        'the files of ' || counted_metric.source || ' have no counts of it' as missing_reason
    from metric_score
    inner join counted_metric
        on metric_score.metric_id = counted_metric.metric_id
    left join computed_metric_value
        on
            metric_score.metric_id = computed_metric_value.metric_id
            and metric_score.organisation_code = computed_metric_value.organisation_code
    where computed_metric_value.metric_id is null

)

select * from final
