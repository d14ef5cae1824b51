-- Segments are cut from one line of averages: over all tables of a quarter, the worst average of a segment is
-- no worse than the best average of any segment behind it.
with

league_table as (

    select * from {{ ref('league_table') }}

),

segment_range as (

    select
        quarter,
        unadjusted_segment,
        min(average_metric_score_exact) as best_average,
        max(average_metric_score_exact) as worst_average
    from league_table
    group by quarter, unadjusted_segment

)

select
    nearer.quarter,
    nearer.unadjusted_segment,
    nearer.worst_average,
    further.unadjusted_segment as segment_behind,
    further.best_average
from segment_range as nearer
inner join segment_range as further
    on
        nearer.quarter = further.quarter
        and nearer.unadjusted_segment < further.unadjusted_segment
where nearer.worst_average > further.best_average
