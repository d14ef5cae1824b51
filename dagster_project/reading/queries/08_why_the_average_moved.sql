with share as (
    select metric_id, sum(change) as change
    from league.movement
    where quarter = $quarter and organisation_code = $organisation and measure = 'average_metric_score'
    group by metric_id
)
select share.metric_id, metric.metric_name, cast(share.change as decimal(6, 3)) as change
from share
inner join league.metric as metric on metric.metric_id = share.metric_id and metric.quarter = $quarter
order by share.change, share.metric_id;
