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

score_table_rank as (

    select * from {{ ref('score_table_rank') }}

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
            when metric.better = 'high' then -coalesce(metric_value.rank_value, metric_value.value)
            else coalesce(metric_value.rank_value, metric_value.value)
        end as rank_key,
        metric.published_rank_of = 'value' and metric_value.value_dp is not null as is_printed_rounded
    from metric_value
    inner join metric
        on {{ same_metric('metric_value', 'metric') }}
    left join metric_score_exact
        on {{ same_metric_of_organisation('metric_value', 'metric_score_exact') }}
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

reached as (

    select
        ranked.*,
        coalesce(score_table_rank.rank_low, ranked.rank_best) as rank_low,
        case
            when score_table_rank.rank_high is not null then score_table_rank.rank_high
            when ranked.is_printed_rounded then ranked.rank_best + ranked.tied - 1
            else ranked.rank_best
        end as rank_high
    from ranked
    left join score_table_rank
        on {{ same_metric_of_organisation('ranked', 'score_table_rank') }}

),

final as (

    select
        reached.quarter,
        reached.framework,
        reached.table_name,
        reached.organisation_code,
        reached.metric_id,
        reached.value,
        cast(
            case
                when reached.published_rank between reached.rank_low and reached.rank_high
                    then reached.published_rank
                else reached.rank_best
            end as integer
        ) as rank_in_table,
        cast(reached.rank_low as integer) as rank_in_table_low,
        cast(reached.rank_high as integer) as rank_in_table_high,
        cast(reached.organisations_ranked as integer) as organisations_ranked,
        quantile.median,
        quantile.lower_quartile,
        quantile.upper_quartile,
        reached.published_median,
        reached.published_lower_quartile,
        reached.published_upper_quartile
    from reached
    inner join quantile
        on
            reached.quarter = quantile.quarter
            and reached.table_name = quantile.table_name
            and reached.metric_id = quantile.metric_id

)

select * from final
