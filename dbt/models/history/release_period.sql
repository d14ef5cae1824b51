-- From when to when each release was current: until another of its quarter was, or it was withdrawn.
with

release_event as (

    select * from {{ source('journal', 'release_event') }}

),

published as (

    select * from release_event
    where event = 'published'

),

final as (

    select
        published.quarter,
        published.release_id,
        published.happened_at as valid_from,
        min(later.happened_at) as valid_to,
        published.how,
        published.done_by,
        published.reason,
        published.event_number
    from published
    left join release_event as later
        on
            published.quarter = later.quarter
            and published.event_number < later.event_number
            and (
                later.event = 'published'
                or (later.event = 'withdrawn' and published.release_id = later.release_id)
            )
    group by
        published.quarter,
        published.release_id,
        published.happened_at,
        published.how,
        published.done_by,
        published.reason,
        published.event_number

)

select * from final
