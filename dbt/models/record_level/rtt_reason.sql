-- Record level: how many rows are not counted for each reason, and whether it is that the pathway has ended.
-- With the pathways counted they are all rows: none is left out in silence.
with

pathway as (

    select * from {{ ref('rtt_pathway') }}
    where reason is not null

),

repeated as (

    select * from {{ ref('rtt_repeated_row') }}

),

every_row as (

    select reason from pathway
    union all
    select reason from repeated

),

final as (

    select
        reason,
        {{ has_ended('reason') }} as has_ended,
        count(*) as pathways
    from every_row
    group by reason

)

select * from final
