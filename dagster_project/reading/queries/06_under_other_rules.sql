select choice, compared_with, average_metric_score, adjusted_segment, rank, organisations_ranked
from league.sensitivity
where quarter = $quarter and organisation_code = $organisation and subject is null
order by choice;
