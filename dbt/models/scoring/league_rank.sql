-- Step 3.6: rank within the table: adjusted segment first, then the average at two places; ties share the
-- best place. `rank_ignoring_segment` is the publisher's rank of the average alone.
with

average_metric_score as (

    select * from {{ ref('average_metric_score') }}

),

final_segment as (

    select * from {{ ref('final_segment') }}

),

final as (

    select
        average_metric_score.quarter,
        average_metric_score.framework,
        average_metric_score.table_name,
        average_metric_score.organisation_code,
        cast(rank() over (
            partition by average_metric_score.quarter, average_metric_score.table_name
            order by final_segment.adjusted_segment, average_metric_score.average_metric_score
        ) as integer) as rank,
        cast(rank() over (
            partition by average_metric_score.quarter, average_metric_score.table_name
            order by average_metric_score.average_metric_score
        ) as integer) as rank_ignoring_segment,
        cast(count(*) over (
            partition by average_metric_score.quarter, average_metric_score.table_name
        ) as integer) as organisations_in_table
    from average_metric_score
    inner join final_segment
        on {{ same_organisation('average_metric_score', 'final_segment') }}

)

select * from final
