-- The average in the league table is the weighted mean of the metric scores beside it. Scores that enter
-- rounded (the first publication) lie at most half a unit of the second place off, and so does the mean.
with

league_table as (

    select * from {{ ref('league_table') }}

),

metric_score as (

    select * from {{ ref('metric_score') }}
    where enters_average

),

recomputed as (

    select
        quarter,
        organisation_code,
        sum(weight * metric_score_exact) / sum(weight) as average
    from metric_score
    group by quarter, organisation_code

)

select
    league_table.quarter,
    league_table.organisation_code,
    league_table.average_metric_score_exact,
    recomputed.average
from league_table
left join recomputed
    on
        league_table.quarter = recomputed.quarter
        and league_table.organisation_code = recomputed.organisation_code
where
    recomputed.average is null
    or abs(league_table.average_metric_score_exact - recomputed.average) > 0.005
