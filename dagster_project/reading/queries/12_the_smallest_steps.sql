select s.step_rank, s.metric_id, m.metric_name, cast(s.value as decimal(6, 2)) as value,
    cast(s.value_needed as decimal(6, 2)) as value_needed, s.unit, s.step_size
from league.metric_step as s
inner join league.metric as m using (quarter, metric_id)
where s.quarter = $quarter and s.organisation_code = $organisation and s.step_rank <= 3
order by s.step_rank;
