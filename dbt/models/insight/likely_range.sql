-- The likely range of each organisation's average score, segment and rank: what its place can bear.
with

quarter_in_scope as (

    select * from {{ source('run', 'quarter_in_scope') }}

),

likely_range_end as (

    select * from {{ source('drawn', 'likely_range_end') }}

),

likely_range_rule as (

    select * from {{ ref('likely_range_rule') }}

),

final as (

    select
        quarter_in_scope.quarter,
        quarter_in_scope.release_id,
        quarter_in_scope.is_sample,
        likely_range_end.table_name,
        likely_range_end.organisation_code,
        likely_range_end.variant,
        likely_range_end.average_low,
        likely_range_end.average_high,
        likely_range_end.average_mc_error,
        likely_range_end.segment_low,
        likely_range_end.segment_high,
        likely_range_end.rank_low,
        likely_range_end.rank_high,
        likely_range_end.rank_mc_error,
        likely_range_end.replicates,
        likely_range_rule.low_percentile,
        likely_range_rule.high_percentile,
        likely_range_rule.part_weights_enter
    from likely_range_end
    inner join quarter_in_scope
        on likely_range_end.quarter = quarter_in_scope.quarter
    inner join likely_range_rule
        on likely_range_end.framework = likely_range_rule.framework

)

select * from final
