select unadjusted_segment, better_segment, cast(average_needed as decimal(6, 3)) as average_needed,
    cast(improvement_needed as decimal(6, 3)) as improvement_needed,
    cast(margin_to_worse as decimal(6, 3)) as margin_to_worse, override_holds, adjusted_segment
from league.segment_distance
where quarter = $quarter and organisation_code = $organisation;
