select r.average_low, r.average_high, r.rank_low, r.rank_high,
    cast(100 * (r.high_percentile - r.low_percentile) as integer) as percent_of_draws,
    p.segment, cast(100 * p.probability as decimal(4, 1)) as percent_in_segment
from league.likely_range as r
inner join league.segment_probability as p using (quarter, organisation_code, variant)
where r.quarter = $quarter and r.organisation_code = $organisation and r.variant = 'fixed_cut_points'
    and p.probability > 0.01
order by p.segment;
