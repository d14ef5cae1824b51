select segment, quarters_in_segment, is_persistent, persistent_quarters, persistent_quarters_state
from league.segment_persistence
where quarter = $quarter and organisation_code = $organisation;
