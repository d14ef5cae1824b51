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

final as (

    select
        own.quarter,
        own.table_name,
        own.organisation_code,
        own.figure,
        max(own.segment) as segment,
        max(own.segment_low) as segment_low,
        max(own.segment_high) as segment_high,
        1 + sum(
            case
                when
                    other.segment < own.segment
                    or (other.segment = own.segment and other.score < own.score)
                    then 1
                else 0
            end
        ) as rank,
        1 + sum(
            case
                when
                    other.segment_high < own.segment_low
                    or (other.segment_high = own.segment_low and other.score_high < own.score_low)
                    then 1
                else 0
            end
        ) as rank_low,
        1 + sum(
            case
                when other.organisation_code = own.organisation_code then 0
                when
                    other.segment_low < own.segment_high
                    or (other.segment_low = own.segment_high and other.score_low < own.score_high)
                    then 1
                else 0
            end
        ) as rank_high
    from placed as own
    inner join placed as other
        on
            own.quarter = other.quarter
            and own.table_name = other.table_name
            and own.figure = other.figure
    group by own.quarter, own.table_name, own.organisation_code, own.figure

)

select * from final
