-- Step 6: the cells that a metric's numerator and denominator are made of, in the months that it covers:
-- the quarter's three, or its last. A cell without a count has a reason instead of a value.
with

statistic_row as (

    select * from {{ ref('stg_statistic_row') }}

),

metric_statistic as (

    select * from {{ ref('metric_statistic') }}

),

metric_statistic_measure as (

    select * from {{ ref('metric_statistic_measure') }}

),

final as (

    select
        statistic_row.quarter,
        statistic_row.framework,
        metric_statistic.metric_id,
        metric_statistic.source,
        statistic_row.organisation_code,
        statistic_row.period,
        metric_statistic_measure.part,
        statistic_row.value * metric_statistic_measure.sign as signed_value,
        statistic_row.missing_reason,
        statistic_row.extract_id,
        statistic_row.sheet,
        statistic_row.source_row
    from statistic_row
    inner join metric_statistic
        on
            statistic_row.framework = metric_statistic.framework
            and statistic_row.source = metric_statistic.source
    inner join metric_statistic_measure
        on
            {{ same_metric('metric_statistic', 'metric_statistic_measure') }}
            and statistic_row.measure = metric_statistic_measure.measure
    where
        metric_statistic.covers = 'quarter'
        -- the last month of a financial quarter: June, September, December, March
        or substr(statistic_row.period, 6, 2) = case substr(statistic_row.quarter, 10, 1)
            when '1' then '06'
            when '2' then '09'
            when '3' then '12'
            else '03'
        end

)

select * from final
