-- Reconciliation, second part: the ranks that averages moved within their tolerance can reach. With no
-- tolerance the reach is the rank itself. `OF5000` is the league rank, the others rank a score alone.
with

score_reach as (

    select * from {{ ref('score_reach') }}

),

final_segment as (

    select * from {{ ref('final_segment') }}

),

framework_parameter as (

    select * from {{ ref('framework_parameter') }}
    where parameter = 'override_no_better_than_segment'

),

-- a trust is placed by (segment, score); where only the score ranks, every segment is the same
placed as (

    select
        quarter,
        table_name,
        organisation_code,
        score_figure as figure,
        0 as segment_low,
        0 as segment_high,
        0 as segment,
        score,
        score_low,
        score_high
    from score_reach
    union all
    select
        score_reach.quarter,
        score_reach.table_name,
        score_reach.organisation_code,
        'OF5000' as figure,
        case
            when final_segment.financial_override and score_reach.segment_low < framework_parameter.value
                then framework_parameter.value
            else score_reach.segment_low
        end as segment_low,
        case
            when final_segment.financial_override and score_reach.segment_high < framework_parameter.value
                then framework_parameter.value
            else score_reach.segment_high
        end as segment_high,
        final_segment.adjusted_segment as segment,
        score_reach.score,
        score_reach.score_low,
        score_reach.score_high
    from score_reach
    inner join final_segment
        on {{ same_organisation('score_reach', 'final_segment') }}
    inner join framework_parameter
        on score_reach.framework = framework_parameter.framework
    where score_reach.applies_to = 'average'

),

-- each trust at its best and at its worst; at the same place the one that asks comes first, so that only what
-- is ahead of it counts
bound as (

    select
        quarter,
        table_name,
        organisation_code,
        figure,
        'low' as bound,
        segment_low as segment,
        score_low as score,
        0 as counts_at_worst,
        1 as counts_at_best
    from placed
    union all
    select
        quarter,
        table_name,
        organisation_code,
        figure,
        'high' as bound,
        segment_high as segment,
        score_high as score,
        1 as counts_at_worst,
        0 as counts_at_best
    from placed

),

ahead as (

    select
        quarter,
        table_name,
        organisation_code,
        figure,
        bound,
        sum(counts_at_worst) over (
            partition by quarter, table_name, figure
            order by segment, score, counts_at_worst, organisation_code
            rows between unbounded preceding and current row
        ) as ahead_at_worst,
        sum(counts_at_best) over (
            partition by quarter, table_name, figure
            order by segment, score, counts_at_best, organisation_code
            rows between unbounded preceding and current row
        ) as ahead_at_best
    from bound

),

reached as (

    select
        quarter,
        table_name,
        organisation_code,
        figure,
        max(case when bound = 'low' then ahead_at_worst end) as surely_ahead,
        max(case when bound = 'high' then ahead_at_best end) as possibly_ahead
    from ahead
    group by quarter, table_name, organisation_code, figure

),

final as (

    select
        placed.quarter,
        placed.table_name,
        placed.organisation_code,
        placed.figure,
        placed.segment,
        placed.segment_low,
        placed.segment_high,
        rank() over (
            partition by placed.quarter, placed.table_name, placed.figure
            order by placed.segment, placed.score
        ) as rank,
        1 + reached.surely_ahead as rank_low,
        -- nobody is ahead of itself
        1 + reached.possibly_ahead - case
            when
                placed.segment_low < placed.segment_high
                or (placed.segment_low = placed.segment_high and placed.score_low < placed.score_high)
                then 1
            else 0
        end as rank_high
    from placed
    inner join reached
        on
            {{ same_organisation('placed', 'reached') }}
            and placed.figure = reached.figure

)

select * from final
