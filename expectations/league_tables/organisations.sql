-- One row per organisation that has metric values or stands in a league table of the quarters in scope.
with measured as (
    select
        metric_value.quarter,
        metric_value.organisation_code,
        min(metric_value.organisation_name) as organisation_name,
        min(metric_value.table_name) as table_name
    from metrics.metric_value as metric_value
    inner join run.quarter_in_scope using (quarter)
    group by metric_value.quarter, metric_value.organisation_code
),

listed as (
    select
        league_table.quarter,
        league_table.organisation_code,
        count(*) as times_listed,
        min(league_table.table_name) as listed_in
    from league.league_table as league_table
    inner join run.quarter_in_scope using (quarter)
    group by league_table.quarter, league_table.organisation_code
)

select
    quarter,
    organisation_code,
    measured.organisation_name,
    measured.table_name,
    listed.listed_in,
    measured.organisation_code is not null as has_metric_values,
    coalesce(listed.times_listed, 0) as times_listed
from measured
full outer join listed using (quarter, organisation_code)
order by quarter, organisation_code
