select t.quarter_before, cast(t.figure_before as integer) as rank_before, cast(t.figure_after as integer) as rank_now,
    m.cause, cast(m.change as integer) as places, cast(t.change as integer) as places_in_all
from league.movement_total as t
inner join league.movement as m using (quarter, organisation_code, measure)
where t.quarter = $quarter and t.organisation_code = $organisation and t.measure = 'rank'
order by m.change, m.cause;
