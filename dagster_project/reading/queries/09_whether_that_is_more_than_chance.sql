select measure, likely_low_before, likely_high_before, cast(figure_after as decimal(6, 2)) as figure_now, verdict
from league.movement_beyond_chance
where quarter = $quarter and organisation_code = $organisation
order by measure;
