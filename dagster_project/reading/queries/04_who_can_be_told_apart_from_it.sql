select rank, rank_from, rank_to, organisations as not_told_apart
from league.not_told_apart
where quarter = $quarter and organisation_code = $organisation;
