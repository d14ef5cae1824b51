-- The probabilities of an organisation's segments add up to one, before and after the override, and the
-- counts to the replicates.
with

segment_probability as (

    select * from {{ ref('segment_probability') }}

)

select
    quarter,
    organisation_code,
    variant
from segment_probability
group by quarter, organisation_code, variant
having
    sum(probability) <> 1
    or sum(probability_before_override) <> 1
    or sum(times) <> max(replicates)
    or sum(times_before_override) <> max(replicates)
