select policy, applies, policy_segments, state, segment
from league.consequence
where quarter = $quarter and organisation_code = $organisation
order by applies desc, state desc, policy;
