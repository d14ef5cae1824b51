-- Movement, step 0: the releases that are compared: each quarter's and the adjacent quarter's before it.
-- `league diff` puts a table of this name in its place, with any two releases.
{{ config(
    schema='insight',
    materialized='table' if target.type == 'spark' else 'view',
    contract={'enforced': false}
) }}
with

league_table as (

    select * from {{ ref('league_table') }}

),

segment_threshold as (

    select * from {{ ref('segment_threshold') }}

),

framework_rule as (

    select * from {{ ref('framework_rule') }}

),

release as (

    select distinct
        quarter,
        release_id,
        is_sample
    from league_table

),

-- a release made before cut-points and rules were released in full can't be compared
comparable as (

    select
        release.quarter,
        release.release_id,
        release.is_sample,
        {{ quarter_number('release.quarter') }} as quarter_number
    from release
    where
        release.release_id in (select segment_threshold.release_id from segment_threshold)
        and release.release_id in (
            select framework_rule.release_id from framework_rule
            where framework_rule.rule_terms is not null
        )

),

final as (

    select
        after.quarter,
        after.release_id,
        after.is_sample,
        before.quarter as quarter_before,
        before.release_id as release_id_before
    from comparable as after
    inner join comparable as before
        on
            after.quarter_number = before.quarter_number + 1
            and after.is_sample = before.is_sample

)

select * from final
