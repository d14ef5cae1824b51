select c.caveat, c.metric_id, m.metric_name, cast(c.amount as integer) as amount
from league.caveat as c
left join league.metric as m using (quarter, metric_id)
where c.quarter = $quarter and c.organisation_code = $organisation
order by c.caveat, c.metric_id;
