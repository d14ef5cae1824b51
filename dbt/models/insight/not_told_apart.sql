-- From which rank to which an organisation can't be told apart from the others of its table: those of whom
-- neither ranks better in so large a share of pairs of replicates.
with

quarter_in_scope as (

    select * from {{ source('run', 'quarter_in_scope') }}

),

not_told_apart as (

    select * from {{ source('drawn', 'not_told_apart') }}

),

league_rank as (

    select * from {{ ref('league_rank') }}

),

likely_range_rule as (

    select * from {{ ref('likely_range_rule') }}

),

final as (

    select
        quarter_in_scope.quarter,
        quarter_in_scope.release_id,
        quarter_in_scope.is_sample,
        not_told_apart.table_name,
        not_told_apart.organisation_code,
        league_rank.rank,
        not_told_apart.rank_from,
        not_told_apart.rank_to,
        not_told_apart.organisations,
        likely_range_rule.told_apart_from
    from not_told_apart
    inner join quarter_in_scope
        on not_told_apart.quarter = quarter_in_scope.quarter
    inner join league_rank
        on
            not_told_apart.quarter = league_rank.quarter
            and not_told_apart.table_name = league_rank.table_name
            and not_told_apart.organisation_code = league_rank.organisation_code
    inner join likely_range_rule
        on not_told_apart.framework = likely_range_rule.framework

)

select * from final
