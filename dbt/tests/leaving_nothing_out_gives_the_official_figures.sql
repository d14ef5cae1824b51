-- The choice `official` of the sensitivity table must be the league table to the last digit.
select
    sensitivity.quarter,
    sensitivity.organisation_code,
    sensitivity.rank,
    league_table.rank as official_rank
from {{ ref('sensitivity') }} as sensitivity
full outer join {{ ref('league_table') }} as league_table
    on
        sensitivity.quarter = league_table.quarter
        and sensitivity.organisation_code = league_table.organisation_code
where
    coalesce(sensitivity.choice, 'official') = 'official'
    and (
        sensitivity.rank is distinct from league_table.rank
        or sensitivity.average_metric_score_exact is distinct from league_table.average_metric_score_exact
        or sensitivity.unadjusted_segment is distinct from league_table.unadjusted_segment
        or sensitivity.adjusted_segment is distinct from league_table.adjusted_segment
        or sensitivity.metric_count is distinct from league_table.metric_count
        or sensitivity.threshold_basis is distinct from league_table.threshold_basis
    )
