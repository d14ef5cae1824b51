-- Record level: the rows whose pathway stands more than once in a census, of those that could be counted.
-- The first of rows that say the same is counted and isn't here; where they differ, none can be chosen.
-- Ids are of all providers together: one that two of them give has a reason of its own.
with

pathway as (

    select * from {{ ref('rtt_pathway') }}
    where reason is null

),

repeated as (

    select * from {{ ref('rtt_repeated_pathway') }}

),

said as (

    select
        pathway.*,
        pathway.provider_code || ' ' || pathway.commissioner_code || ' ' || pathway.treatment_function_code
        || ' ' || cast(pathway.clock_start_date as string)
        || ' ' || coalesce(cast(pathway.clock_stop_date as string), '') as says
    from pathway
    inner join repeated
        on
            pathway.snapshot_date = repeated.snapshot_date
            and pathway.pathway_id = repeated.pathway_id

),

placed as (

    select
        *,
        min(says) over (partition by snapshot_date, pathway_id) as first_says,
        max(says) over (partition by snapshot_date, pathway_id) as last_says,
        min(provider_code) over (partition by snapshot_date, pathway_id) as first_provider,
        max(provider_code) over (partition by snapshot_date, pathway_id) as last_provider,
        row_number() over (
            partition by snapshot_date, pathway_id
            order by file_name, source_row
        ) as place
    from said

),

final as (

    select
        file_name,
        source_row,
        pathway_id,
        provider_code,
        commissioner_code,
        treatment_function_code,
        clock_start_date,
        clock_stop_date,
        snapshot_date,
        weeks,
        case
            when first_provider <> last_provider then 'the pathway id stands there for more than one provider'
            when first_says <> last_says then 'the pathway stands there more than once, and its rows differ'
            else 'the same row of the pathway a second time'
        end as reason
    from placed
    where first_says <> last_says or place > 1

)

select * from final
