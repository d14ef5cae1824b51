-- Step 6: what an organisation's counts of a metric lack: a cell that isn't a count, or a month that the
-- metric covers and no row is of. One row per organisation and metric that lacks something.
with

statistic_cell as (

    select * from {{ ref('statistic_cell') }}

),

metric_statistic as (

    select * from {{ ref('metric_statistic') }}

),

organisation_successor as (

    select * from {{ ref('organisation_successor') }}

),

missing_cell as (

    select
        quarter,
        metric_id,
        organisation_code,
        min(missing_reason) as first_reason,
        count(distinct missing_reason) as reasons
    from statistic_cell
    where missing_reason is not null
    group by quarter, metric_id, organisation_code

),

organisation_month as (

    select distinct
        quarter,
        framework,
        metric_id,
        organisation_code,
        period
    from statistic_cell

),

covered_quarter as (

    select distinct
        organisation_month.quarter,
        organisation_month.metric_id,
        organisation_month.organisation_code
    from organisation_month
    inner join metric_statistic
        on {{ same_metric('organisation_month', 'metric_statistic') }}
    where metric_statistic.covers = 'quarter'

),

-- the months of a financial quarter: April to June, and so on to January to March of the next year
covered_month as (
    {% for month_of_quarter in (1, 2, 3) %}
        select
            quarter,
            metric_id,
            organisation_code,
            cast(
                cast(substr(quarter, 1, 4) as integer)
                + case when substr(quarter, 10, 1) = '4' then 1 else 0 end as string
            )
            || '-'
            || case substr(quarter, 10, 1)
                when '1' then '0{{ 3 + month_of_quarter }}'
                when '2' then '0{{ 6 + month_of_quarter }}'
                when '3' then '{{ 9 + month_of_quarter }}'
                else '0{{ month_of_quarter }}'
            end as period
        from covered_quarter
        {% if not loop.last %}union all{% endif %}
    {% endfor %}
),

missing_month as (

    select
        covered_month.quarter,
        covered_month.metric_id,
        covered_month.organisation_code,
        'no counts of '
        || min(covered_month.period)
        || case when count(*) > 1 then ' and ' || max(covered_month.period) else '' end as reason
    from covered_month
    left join organisation_month
        on
            {{ same_metric_of_code('covered_month', 'organisation_month') }}
            and covered_month.period = organisation_month.period
    where organisation_month.period is null
    group by covered_month.quarter, covered_month.metric_id, covered_month.organisation_code

),

-- one that joined another within a quarter has its last months under the other's code
merger as (

    select
        organisation_code,
        min('it joined ' || successor_code || ' on ' || effective_date) as merged
    from organisation_successor
    group by organisation_code
    union all
    select
        organisation_successor.successor_code as organisation_code,
        min(
            organisation_successor.organisation_code
            || ' joined it on '
            || organisation_successor.effective_date
        ) as merged
    from organisation_successor
    left join organisation_successor as itself
        on organisation_successor.successor_code = itself.organisation_code
    where itself.organisation_code is null
    group by organisation_successor.successor_code

),

lacking as (

    select
        quarter,
        metric_id,
        organisation_code
    from missing_cell
    union
    select
        quarter,
        metric_id,
        organisation_code
    from missing_month

),

final as (

    select
        lacking.quarter,
        lacking.metric_id,
        lacking.organisation_code,
        coalesce(
            missing_cell.first_reason
            || case
                when missing_cell.reasons > 1
                    then ' (and ' || cast(missing_cell.reasons - 1 as string) || ' more like it)'
                else ''
            end,
            missing_month.reason || coalesce('; ' || merger.merged, '')
        ) as missing_reason
    from lacking
    left join missing_cell
        on {{ same_metric_of_code('lacking', 'missing_cell') }}
    left join missing_month
        on {{ same_metric_of_code('lacking', 'missing_month') }}
    left join merger
        on lacking.organisation_code = merger.organisation_code

)

select * from final
