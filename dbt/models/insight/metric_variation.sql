-- Runs of improvement or decline: each metric of each organisation over the quarters that are released, as
-- an XmR chart by the rules of Making Data Count. A view, as it compares quarters. A missing quarter,
-- another unit or a chart of fewer points than the parameter asks for gives no limits.
{{ config(materialized='view') }}
with

metric_score as (

    select * from {{ ref('metric_score') }}
    where value is not null

),

league_table as (

    select * from {{ ref('league_table') }}

),

metric as (

    select * from {{ ref('metric_dimension') }}

),

insight_parameter as (

    select
        framework,
        max(case when parameter = 'spc_least_points' then value end) as least_points,
        max(case when parameter = 'spc_limit_factor' then value end) as limit_factor,
        max(case when parameter = 'spc_shift_points' then value end) as shift_points,
        max(case when parameter = 'spc_trend_points' then value end) as trend_points,
        max(case when parameter = 'spc_near_limit_share' then value end) as near_limit_share
    from {{ ref('insight_parameter') }}
    group by framework

),

point as (

    select
        metric_score.quarter,
        metric_score.release_id,
        metric_score.is_sample,
        metric_score.table_name,
        metric_score.organisation_code,
        metric_score.metric_id,
        metric_score.unit,
        metric_score.value,
        metric.better,
        league_table.framework,
        {{ quarter_number('metric_score.quarter') }} as quarter_number
    from metric_score
    inner join league_table
        on
            metric_score.quarter = league_table.quarter
            and metric_score.organisation_code = league_table.organisation_code
    inner join metric
        on
            metric_score.quarter = metric.quarter
            and metric_score.metric_id = metric.metric_id

),

-- a chart is one unbroken row of quarters
placed as (

    select
        *,
        quarter_number - row_number() over (
            partition by organisation_code, metric_id, unit, is_sample
            order by quarter_number
        ) as chart
    from point

),

stepped as (

    select
        *,
        lag(value) over (
            partition by organisation_code, metric_id, unit, is_sample, chart
            order by quarter_number
        ) as value_before,
        count(*) over (partition by organisation_code, metric_id, unit, is_sample, chart) as points,
        avg(cast(value as double)) over (
            partition by organisation_code, metric_id, unit, is_sample, chart
        ) as mean
    from placed

),

ranged as (

    select
        *,
        avg(cast(abs(value - value_before) as double)) over (
            partition by organisation_code, metric_id, unit, is_sample, chart
        ) as mean_moving_range,
        case when value > mean then 1 when value < mean then -1 else 0 end as side,
        case when value > value_before then 1 when value < value_before then -1 else 0 end as direction
    from stepped

),

limited as (

    select
        ranged.*,
        insight_parameter.least_points,
        insight_parameter.shift_points,
        insight_parameter.trend_points,
        ranged.mean + insight_parameter.limit_factor * ranged.mean_moving_range as upper_limit,
        ranged.mean - insight_parameter.limit_factor * ranged.mean_moving_range as lower_limit,
        case
            when
                abs(ranged.value - ranged.mean)
                > insight_parameter.near_limit_share
                * insight_parameter.limit_factor
                * ranged.mean_moving_range
                then ranged.side
            else 0
        end as near_limit
    from ranged
    inner join insight_parameter
        on ranged.framework = insight_parameter.framework

),

followed as (

    select
        *,
        lag(side) over (
            partition by organisation_code, metric_id, unit, is_sample, chart
            order by quarter_number
        ) as side_before,
        lag(direction) over (
            partition by organisation_code, metric_id, unit, is_sample, chart
            order by quarter_number
        ) as direction_before
    from limited

),

-- the place of the latest point at which a run on one side, or in one direction, was broken
broken as (

    select
        *,
        quarter_number - max(case when side is distinct from side_before then quarter_number end) over (
            partition by organisation_code, metric_id, unit, is_sample, chart
            order by quarter_number
            rows between unbounded preceding and current row
        ) + 1 as points_on_side,
        quarter_number - max(
            case when direction is distinct from direction_before then quarter_number end
        ) over (
            partition by organisation_code, metric_id, unit, is_sample, chart
            order by quarter_number
            rows between unbounded preceding and current row
        ) + 2 as points_in_direction,
        sum(near_limit) over (
            partition by organisation_code, metric_id, unit, is_sample, chart
            order by quarter_number
            rows between 2 preceding and current row
        ) as near_limit_of_three
    from followed

),

signalled as (

    select
        *,
        case
            when points < least_points then 'too_few_quarters'
            when value > upper_limit or value < lower_limit then 'outside_limits'
            when side <> 0 and points_on_side >= shift_points then 'shift'
            when direction <> 0 and points_in_direction >= trend_points then 'trend'
            when near_limit <> 0 and abs(near_limit_of_three) >= 2 then 'two_of_three_near_limit'
            else 'none'
        end as signal
    from broken

),

final as (

    select
        quarter,
        release_id,
        is_sample,
        table_name,
        organisation_code,
        metric_id,
        unit,
        value,
        cast(points as integer) as points,
        {{ as_decimal("case when points >= least_points then mean end", 18, 6) }} as mean,
        {{ as_decimal("case when points >= least_points then lower_limit end", 18, 6) }} as lower_limit,
        {{ as_decimal("case when points >= least_points then upper_limit end", 18, 6) }} as upper_limit,
        signal,
        case
            when signal = 'too_few_quarters' then 'too_few_quarters'
            when signal = 'none' then 'common_cause'
            when
                (better = 'high' and case when signal = 'trend' then direction else side end > 0)
                or (better = 'low' and case when signal = 'trend' then direction else side end < 0)
                then 'improvement'
            else 'concern'
        end as variation
    from signalled

)

select * from final
