-- Record level: the pathways that stand more than once in a census, in rows that could be counted. A table of its own,
-- so that an engine knows how few they are before it looks for their rows.
with

pathway as (

    select * from {{ ref('rtt_pathway') }}
    where reason is null

),

final as (

    select
        snapshot_date,
        pathway_id
    from pathway
    group by snapshot_date, pathway_id
    having count(*) > 1

)

select * from final
