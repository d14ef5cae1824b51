select m.metric_name, e.metric_score, l.organisation_name as exemplar, e.exemplar_metric_score, l.organisation_subtype,
    e.metrics_in_common
from league.exemplar as e
inner join league.metric as m using (quarter, metric_id)
inner join league.league_table as l on l.quarter = e.quarter and l.organisation_code = e.exemplar_code
where e.quarter = $quarter and e.organisation_code = $organisation and e.exemplar_rank = 1
order by e.metric_id;
