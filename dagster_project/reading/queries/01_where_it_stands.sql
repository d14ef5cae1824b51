select rank, organisations_in_table, metric_count, average_metric_score, unadjusted_segment, financial_override,
    adjusted_segment
from league.league_table
where quarter = $quarter and organisation_code = $organisation;
