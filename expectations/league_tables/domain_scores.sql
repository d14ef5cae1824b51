-- One row per organisation and domain of the quarters in scope.
select
    domain_score.quarter,
    domain_score.organisation_code,
    domain_score.domain,
    domain_score.domain_score,
    domain_score.domain_score_exact,
    cast(round(round(domain_score.domain_score_exact, 10), 2) as decimal(18, 2)) as expected_score,
    domain_score.domain_segment,
    domain_score.metric_count,
    known.domain is not null as domain_known,
    count(*) over (
        partition by domain_score.quarter, domain_score.organisation_code, domain_score.domain
    ) as times_found
from league.domain_score as domain_score
inner join run.quarter_in_scope as scope using (quarter)
left join methodology.domain as known
    on scope.framework = known.framework and domain_score.domain in (known.domain, known.domain_name)
order by domain_score.quarter, domain_score.organisation_code, domain_score.domain
