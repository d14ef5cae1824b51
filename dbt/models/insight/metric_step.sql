-- What one metric alone would have to be: for each organisation's metrics the score, and where it can be
-- told the value, that brings the average into the next better segment with all else as it is; the gap to
-- the standard; and the order of these steps, the smallest against the spread of the table first.
with

quarter_in_scope as (

    select * from {{ source('run', 'quarter_in_scope') }}

),

metric_value as (

    select * from {{ ref('metric_value') }}

),

metric_value_rule as (

    select * from {{ ref('metric_value_rule') }}

),

metric_table_rank as (

    select * from {{ ref('metric_table_rank') }}

),

needed as (

    select * from {{ ref('metric_score_needed') }}

),

metric_step_candidate as (

    select * from {{ ref('metric_step_candidate') }}

),

metric_rule as (

    select * from {{ ref('metric_rule') }}

),

-- the end of the scale: no score is better
best_score as (

    select
        framework,
        min(coalesce(score_if_met, score_best)) as best_score
    from metric_rule
    group by framework

),

candidate_count as (

    select
        quarter,
        table_name,
        organisation_code,
        metric_id,
        count(*) as candidates
    from metric_step_candidate
    group by quarter, table_name, organisation_code, metric_id

),

reaching as (

    select
        needed.quarter,
        needed.table_name,
        needed.organisation_code,
        needed.metric_id,
        metric_step_candidate.candidate_value,
        metric_step_candidate.candidate_score,
        row_number() over (
            partition by needed.quarter, needed.table_name, needed.organisation_code, needed.metric_id
            order by
                metric_step_candidate.candidate_score desc,
                abs(metric_step_candidate.candidate_value - metric_value.value) asc,
                metric_step_candidate.candidate_value asc
        ) as nearest
    from needed
    inner join metric_value
        on {{ same_metric_of_organisation('needed', 'metric_value') }}
    inner join metric_step_candidate
        on {{ same_metric_of_organisation('needed', 'metric_step_candidate') }}
    where not {{ is_beyond(
        half_up_to('metric_step_candidate.candidate_score', 'needed.enters_at_dp'), 'needed.needed_score'
    ) }}

),

measured as (

    select
        needed.quarter,
        needed.table_name,
        needed.organisation_code,
        needed.metric_id,
        needed.unit,
        needed.metric_score_exact,
        case when needed.segment > 1 then needed.segment - 1 end as better_segment,
        needed.needed_score,
        reaching.candidate_score as score_reached,
        metric_value.value,
        reaching.candidate_value as value_needed,
        metric_value_rule.standard,
        case
            when metric_value_rule.standard is null then null
            when metric_value.better = 'high' and metric_value.value < metric_value_rule.standard
                then metric_value_rule.standard - metric_value.value
            when metric_value.better = 'low' and metric_value.value > metric_value_rule.standard
                then metric_value.value - metric_value_rule.standard
            else 0
        end as standard_gap,
        metric_table_rank.upper_quartile - metric_table_rank.lower_quartile as table_spread,
        case
            when needed.better_limit is null then 'already in the best segment'
            when reaching.candidate_value is not null then 'reachable'
            when needed.needed_score < best_score.best_score then 'not reachable by this metric alone'
            when metric_value.value is null then 'only the score is published'
            when metric_value_rule.pool is null then 'not reachable by this metric alone'
            when candidate_count.candidates is null then 'the values of the pool are not all at hand'
            else 'not reachable by this metric alone'
        end as reach
    from needed
    inner join best_score
        on needed.framework = best_score.framework
    left join metric_value
        on {{ same_metric_of_organisation('needed', 'metric_value') }}
    left join metric_value_rule
        on {{ same_metric_of_organisation('needed', 'metric_value_rule') }}
    left join metric_table_rank
        on {{ same_metric_of_organisation('needed', 'metric_table_rank') }}
    left join reaching
        on
            {{ same_metric_of_organisation('needed', 'reaching') }}
            and reaching.nearest = 1
    left join candidate_count
        on {{ same_metric_of_organisation('needed', 'candidate_count') }}

),

sized as (

    select
        *,
        case
            when table_spread > 0
                then {{ as_decimal("cast(abs(value_needed - value) as double) / table_spread", 18, 2) }}
        end as step_size
    from measured

),

final as (

    select
        quarter_in_scope.quarter,
        quarter_in_scope.release_id,
        quarter_in_scope.is_sample,
        sized.table_name,
        sized.organisation_code,
        sized.metric_id,
        sized.unit,
        sized.metric_score_exact,
        sized.better_segment,
        sized.reach,
        case when sized.better_segment is not null then sized.needed_score end as needed_score,
        sized.score_reached,
        cast(sized.value as decimal(18, 6)) as value,
        cast(sized.value_needed as decimal(18, 6)) as value_needed,
        cast(sized.standard as decimal(18, 6)) as standard,
        cast(sized.standard_gap as decimal(18, 6)) as standard_gap,
        sized.step_size,
        cast(case
            when sized.reach = 'reachable'
                then row_number() over (
                    partition by sized.quarter, sized.table_name, sized.organisation_code
                    order by
                        case when sized.reach = 'reachable' then 0 else 1 end,
                        sized.step_size nulls last,
                        sized.metric_id
                )
        end as integer) as step_rank
    from sized
    inner join quarter_in_scope
        on sized.quarter = quarter_in_scope.quarter

)

select * from final
