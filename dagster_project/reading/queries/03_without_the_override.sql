select segment, cast(100 * probability_before_override as decimal(4, 1)) as percent_before_override
from league.segment_probability
where quarter = $quarter and organisation_code = $organisation and variant = 'fixed_cut_points'
order by segment;
