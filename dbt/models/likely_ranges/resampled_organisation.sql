-- Likely ranges, what every replicate of an organisation is judged by: the best segment that the override
-- leaves to it, its rank as it is, and how often and for which ends its scores are drawn.
with

league_rank as (

    select * from {{ ref('league_rank') }}

),

final_segment as (

    select * from {{ ref('final_segment') }}

),

framework_parameter as (

    select * from {{ ref('framework_parameter') }}
    where parameter = 'override_no_better_than_segment'

),

likely_range_rule as (

    select * from {{ ref('likely_range_rule') }}

),

final as (

    select
        final_segment.quarter,
        final_segment.framework,
        final_segment.table_name,
        final_segment.organisation_code,
        league_rank.rank,
        cast(case when final_segment.financial_override then framework_parameter.value else 1 end as integer)
            as best_segment,
        likely_range_rule.replicates,
        likely_range_rule.low_percentile,
        likely_range_rule.high_percentile,
        likely_range_rule.told_apart_from
    from final_segment
    inner join league_rank
        on
            final_segment.quarter = league_rank.quarter
            and final_segment.table_name = league_rank.table_name
            and final_segment.organisation_code = league_rank.organisation_code
    inner join framework_parameter
        on final_segment.framework = framework_parameter.framework
    inner join likely_range_rule
        on final_segment.framework = likely_range_rule.framework

)

select * from final
