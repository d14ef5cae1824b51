-- Of two organisations the one is better, or both are alike, or the other is better: in all, always.
with

pair_comparison as (

    select * from {{ ref('pair_comparison') }}

)

select
    quarter,
    organisation_code,
    other_organisation_code
from pair_comparison
where
    probability_ranks_better + probability_ranks_equal + probability_ranks_worse <> 1
    or probability_scores_better + probability_scores_equal + probability_scores_worse <> 1
