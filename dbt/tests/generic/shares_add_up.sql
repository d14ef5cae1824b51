{% test shares_add_up(model, total) %}
{# Changes by cause add up to the whole change, to the last digit, and none is of what isn't there. #}
with

by_cause as (

    select
        quarter,
        release_id,
        release_id_before,
        table_name,
        organisation_code,
        measure,
        coalesce(metric_id, '') as metric_id,
        sum(change) as change
    from {{ model }}
    group by quarter, release_id, release_id_before, table_name, organisation_code, measure, metric_id

),

-- an average's changes stand by metric, its total doesn't
by_measure as (

    select
        quarter,
        release_id,
        release_id_before,
        table_name,
        organisation_code,
        measure,
        case when measure = 'metric_score' then metric_id else '' end as metric_id,
        sum(change) as change
    from by_cause
    group by
        quarter, release_id, release_id_before, table_name, organisation_code, measure,
        case when measure = 'metric_score' then metric_id else '' end

),

total as (

    select
        quarter,
        release_id,
        release_id_before,
        table_name,
        organisation_code,
        measure,
        coalesce(metric_id, '') as metric_id,
        change
    from {{ total }}

)

select
    coalesce(total.quarter, by_measure.quarter) as quarter,
    coalesce(total.organisation_code, by_measure.organisation_code) as organisation_code,
    coalesce(total.measure, by_measure.measure) as measure,
    total.metric_id,
    total.change as whole,
    by_measure.change as shares
from total
full outer join by_measure
    on
        total.quarter = by_measure.quarter
        and total.release_id = by_measure.release_id
        and total.release_id_before = by_measure.release_id_before
        and total.table_name = by_measure.table_name
        and total.organisation_code = by_measure.organisation_code
        and total.measure = by_measure.measure
        and total.metric_id = by_measure.metric_id
where coalesce(total.change, 0) <> coalesce(by_measure.change, 0)
{% endtest %}
