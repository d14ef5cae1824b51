-- One row per organisation and ranked metric of the quarters in scope.
select
    metric_ranking.quarter,
    metric_ranking.organisation_code,
    metric_ranking.metric_id,
    metric_ranking.rank_in_table,
    metric_ranking.organisations_ranked,
    metric_ranking.lower_quartile,
    metric_ranking.median,
    metric_ranking.upper_quartile
from league.metric_ranking as metric_ranking
inner join run.quarter_in_scope using (quarter)
order by metric_ranking.quarter, metric_ranking.organisation_code, metric_ranking.metric_id
