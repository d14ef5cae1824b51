-- Step 3.1: the average metric score: the weighted mean of the scores a trust has, rounded once, at the end.
with

metric_score_exact as (

    select * from {{ ref('metric_score_exact') }}
    where enters_average

),

averaged as (

    select
        quarter,
        framework,
        table_name,
        organisation_code,
        count(*) as metric_count,
        min(case when is_exact then 1 else 0 end) = 1 as is_exact,
        {{ weighted_mean('score_entering_average', 'weight_units') }} as average_metric_score_exact
    from metric_score_exact
    group by quarter, framework, table_name, organisation_code

),

final as (

    select
        quarter,
        framework,
        table_name,
        organisation_code,
        cast(metric_count as integer) as metric_count,
        is_exact,
        average_metric_score_exact,
        {{ half_up('average_metric_score_exact') }} as average_metric_score
    from averaged

)

select * from final
