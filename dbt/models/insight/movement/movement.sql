-- Why each metric score, average, segment and rank moved since the release before: changes that add up.
{{ config(schema='league', materialized='view', contract={'enforced': true}) }}
with

release_pair as (

    select * from {{ ref('release_pair') }}

),

movement_share as (

    select * from {{ ref('movement_share') }}

),

final as (

    select
        release_pair.quarter,
        release_pair.release_id,
        release_pair.is_sample,
        release_pair.quarter_before,
        release_pair.release_id_before,
        movement_share.table_name,
        movement_share.organisation_code,
        movement_share.measure,
        movement_share.metric_id,
        movement_share.cause,
        {{ exact('sum(movement_share.change)') }} as change
    from movement_share
    inner join release_pair
        on {{ same_pair('movement_share', 'release_pair') }}
    group by
        release_pair.quarter,
        release_pair.release_id,
        release_pair.is_sample,
        release_pair.quarter_before,
        release_pair.release_id_before,
        movement_share.table_name,
        movement_share.organisation_code,
        movement_share.measure,
        movement_share.metric_id,
        movement_share.cause
    having sum(movement_share.change) <> 0

)

select * from final
