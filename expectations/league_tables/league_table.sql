-- One row per organisation of the league tables in scope, with what segment, rank and counts should be.
-- Half-up rounding settles the tenth place first: twelve places can show a half as ...4999999999.
with ranked as (
    select
        league_table.*,
        scope.framework as rules
    from league.league_table as league_table
    inner join run.quarter_in_scope as scope using (quarter)
),

override_segment as (
    select
        framework as rules,
        max(cast(value as integer)) as no_better_than
    from methodology.framework_parameter
    where parameter = 'override_no_better_than_segment'
    group by framework
),

recovery_segment as (
    select
        framework as rules,
        max(cast(value as integer)) as recovery_support
    from methodology.framework_parameter
    where parameter = 'recovery_support_segment'
    group by framework
),

-- A competition rank said another way than by a window: one more than those who stand strictly better.
better as (
    select
        one.quarter,
        one.organisation_code,
        1 + count(other.organisation_code) as expected_rank
    from ranked as one
    left join ranked as other
        on
            one.quarter = other.quarter
            and one.table_name = other.table_name
            and (
                other.adjusted_segment < one.adjusted_segment
                or (
                    other.adjusted_segment = one.adjusted_segment
                    and other.average_metric_score < one.average_metric_score
                )
            )
    group by one.quarter, one.organisation_code
),

table_sizes as (
    select
        quarter,
        table_name,
        count(*) as expected_organisations
    from ranked
    group by quarter, table_name
),

entered as (
    select
        ranked.quarter,
        ranked.organisation_code,
        count(*) as expected_metric_count
    from (select distinct
        quarter,
        organisation_code,
        rules
    from ranked) as ranked
    inner join league.metric_score as metric_score using (quarter, organisation_code)
    inner join methodology.metric as metric
        on ranked.rules = metric.framework and metric_score.metric_id = metric.metric_id
    where metric.enters_average and metric_score.metric_score_exact is not null
    group by ranked.quarter, ranked.organisation_code
)

select
    ranked.quarter,
    ranked.table_name,
    ranked.organisation_code,
    ranked.organisation_name,
    ranked.average_metric_score,
    ranked.average_metric_score_exact,
    cast(round(round(ranked.average_metric_score_exact, 10), 2) as decimal(18, 2)) as expected_average,
    ranked.unadjusted_segment,
    ranked.adjusted_segment,
    ranked.final_segment,
    ranked.financial_override,
    case
        when try_cast(ranked.financial_override as boolean)
            then greatest(ranked.unadjusted_segment, override_segment.no_better_than)
        else ranked.unadjusted_segment
    end as expected_adjusted_segment,
    ranked.final_segment in (ranked.adjusted_segment, recovery_segment.recovery_support)
        as final_segment_follows,
    ranked.rank,
    better.expected_rank,
    ranked.organisations_in_table,
    table_sizes.expected_organisations,
    ranked.metric_count,
    coalesce(entered.expected_metric_count, 0) as expected_metric_count
from ranked
left join override_segment using (rules)
left join recovery_segment using (rules)
left join better using (quarter, organisation_code)
left join table_sizes using (quarter, table_name)
left join entered using (quarter, organisation_code)
order by ranked.quarter, ranked.table_name, ranked.organisation_code
