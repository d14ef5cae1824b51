-- Step 3.7: each metric's values ranked within the table, with median and quartiles. For infections the
-- publisher ranks the score, counts and rates together. Where printed values tie, the published rank
-- orders them if the tie admits it.
with

metric_value as (

    select * from {{ ref('metric_value') }}

),

metric as (

    select * from {{ ref('metric') }}

),

metric_score_exact as (

    select * from {{ ref('metric_score_exact') }}

),

ranked_on as (

    select
        metric_value.quarter,
        metric_value.framework,
        metric_value.table_name,
        metric_value.organisation_code,
        metric_value.metric_id,
        metric_value.value,
        metric_value.value_dp,
        metric_value.published_rank,
        metric_value.published_median,
        metric_value.published_lower_quartile,
        metric_value.published_upper_quartile,
        case
            when metric.published_rank_of = 'score' then metric_score_exact.metric_score_exact
            when metric.better = 'high' then -metric_value.value
            else metric_value.value
        end as rank_key,
        metric.published_rank_of = 'value' and metric_value.value_dp is not null as is_printed_rounded
    from metric_value
    inner join metric
        on
            metric_value.framework = metric.framework
            and metric_value.metric_id = metric.metric_id
    left join metric_score_exact
        on
            metric_value.quarter = metric_score_exact.quarter
            and metric_value.table_name = metric_score_exact.table_name
            and metric_value.organisation_code = metric_score_exact.organisation_code
            and metric_value.metric_id = metric_score_exact.metric_id
    where metric_value.value is not null

),

ranked as (

    select
        *,
        rank() over (partition by quarter, table_name, metric_id order by rank_key nulls last) as rank_best,
        count(*) over (partition by quarter, table_name, metric_id, rank_key) as tied,
        count(*) over (partition by quarter, table_name, metric_id) as organisations_ranked,
        row_number() over (
            partition by quarter, table_name, metric_id
            order by value, organisation_code
        ) as place
    from ranked_on

),

quantile as (

    select
        quarter,
        table_name,
        metric_id,
        {{ linear_percentile('value', 'place', 'organisations_ranked', '0.5') }} as median,
        {{ linear_percentile('value', 'place', 'organisations_ranked', '0.25') }} as lower_quartile,
        {{ linear_percentile('value', 'place', 'organisations_ranked', '0.75') }} as upper_quartile
    from ranked
    group by quarter, table_name, metric_id

),

final as (

    select
        ranked.quarter,
        ranked.framework,
        ranked.table_name,
        ranked.organisation_code,
        ranked.metric_id,
        ranked.value,
        case
            when
                ranked.is_printed_rounded
                and ranked.published_rank between ranked.rank_best and ranked.rank_best + ranked.tied - 1
                then ranked.published_rank
            else cast(ranked.rank_best as integer)
        end as rank_in_table,
        cast(ranked.rank_best as integer) as rank_in_table_low,
        cast(
            case
                when ranked.is_printed_rounded then ranked.rank_best + ranked.tied - 1
                else ranked.rank_best
            end as integer
        ) as rank_in_table_high,
        cast(ranked.organisations_ranked as integer) as organisations_ranked,
        quantile.median,
        quantile.lower_quartile,
        quantile.upper_quartile,
        ranked.published_median,
        ranked.published_lower_quartile,
        ranked.published_upper_quartile
    from ranked
    inner join quantile
        on
            ranked.quarter = quantile.quarter
            and ranked.table_name = quantile.table_name
            and ranked.metric_id = quantile.metric_id

)

select * from final
