select cast(max(t.figure_before) as decimal(6, 3)) as average_before, cast(max(t.figure_after) as decimal(6, 3)) as average_now,
    cast(max(t.change) as decimal(6, 3)) as change, count(distinct m.metric_id) as metrics,
    sum(m.change) - max(t.change) as difference
from league.movement_total as t
inner join league.movement as m using (quarter, organisation_code, measure)
where t.quarter = $quarter and t.organisation_code = $organisation and t.measure = 'average_metric_score';
