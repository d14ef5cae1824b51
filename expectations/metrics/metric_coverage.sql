-- One row per quarter in scope, loaded table and metric that applies to it: how many organisations have it,
-- now and in the quarter before. The quarter before is null for a table that wasn't loaded then.
with tables_now as (
    select distinct
        quarter,
        table_name
    from metric_history
),

counted as (
    select
        quarter,
        table_name,
        metric_id,
        count(distinct organisation_code) as organisations
    from metric_history
    group by quarter, table_name, metric_id
)

select
    scope.quarter,
    applicability.table_name,
    applicability.metric_id,
    metric.metric_name,
    scope.quarter_before,
    coalesce(now.organisations, 0) as organisations,
    case when tables_before.table_name is not null then coalesce(before.organisations, 0) end
        as organisations_before,
    case when applicability.required then coalesce(now.organisations, 0) end as organisations_if_required,
    case
        when applicability.required and before.organisations > 0
            then coalesce(now.organisations, 0) / before.organisations
    end as share_if_required,
    case
        when not applicability.required and before.organisations > 0
            then coalesce(now.organisations, 0) / before.organisations
    end as share_if_optional
from quarter_before as scope
inner join methodology.metric_applicability as applicability using (framework)
inner join methodology.metric as metric using (framework, metric_id)
inner join
    tables_now
    on scope.quarter = tables_now.quarter and applicability.table_name = tables_now.table_name
left join counted as now
    on
        scope.quarter = now.quarter
        and applicability.table_name = now.table_name
        and applicability.metric_id = now.metric_id
left join tables_now as tables_before
    on scope.quarter_before = tables_before.quarter and applicability.table_name = tables_before.table_name
left join counted as before
    on
        scope.quarter_before = before.quarter
        and applicability.table_name = before.table_name
        and applicability.metric_id = before.metric_id
order by scope.quarter, applicability.table_name, applicability.metric_id
