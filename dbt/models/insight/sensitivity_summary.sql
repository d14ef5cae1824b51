-- How many trusts each choice moves, and how far.
with

sensitivity as (

    select * from {{ ref('sensitivity') }}
    where choice <> 'official'

),

quarter_in_scope as (

    select * from {{ source('run', 'quarter_in_scope') }}

),

final as (

    select
        quarter_in_scope.quarter,
        quarter_in_scope.release_id,
        quarter_in_scope.is_sample,
        sensitivity.table_name,
        sensitivity.choice,
        sensitivity.subject,
        cast(count(*) as integer) as organisations,
        cast(sum(case when sensitivity.rank_change <> 0 then 1 else 0 end) as integer) as ranks_changed,
        cast(sum(case when sensitivity.segment_change <> 0 then 1 else 0 end) as integer) as segments_changed,
        max(abs(sensitivity.rank_change)) as largest_rank_change,
        {{ as_decimal(
            "cast(sum(abs(sensitivity.rank_change)) as double) / count(sensitivity.rank_change)", 18, 2
        ) }} as mean_rank_change
    from sensitivity
    inner join quarter_in_scope
        on sensitivity.quarter = quarter_in_scope.quarter
    group by
        quarter_in_scope.quarter,
        quarter_in_scope.release_id,
        quarter_in_scope.is_sample,
        sensitivity.table_name,
        sensitivity.choice,
        sensitivity.subject

)

select * from final
