select v.variation, count(*) as charts, max(v.points) as most_quarters,
    cast(max(cast(p.rule_value as double)) as integer) as quarters_needed
from league.metric_variation as v
inner join league.framework_rule as p
    on p.quarter = v.quarter and p.rule_table = 'insight_parameter' and p.rule_key = 'spc_least_points'
where v.quarter = $quarter and v.organisation_code = $organisation
group by v.variation
order by v.variation;
