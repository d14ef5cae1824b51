select i.influence_rank, i.metric_id, m.metric_name, s.rank as rank_without_it, i.rank_change
from league.metric_influence as i
inner join league.metric as m using (quarter, metric_id)
inner join league.sensitivity as s
    on s.quarter = i.quarter and s.organisation_code = i.organisation_code and s.subject = i.metric_id
where i.quarter = $quarter and i.organisation_code = $organisation and i.influence_rank <= 2
order by i.influence_rank;
