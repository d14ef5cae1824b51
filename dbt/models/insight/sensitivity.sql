-- Average, segment and rank of every trust under every choice, beside the official ones.
with

quarter_in_scope as (

    select * from {{ source('run', 'quarter_in_scope') }}

),

sensitivity_segment as (

    select * from {{ ref('sensitivity_segment') }}

),

ranked as (

    select
        *,
        cast(rank() over (
            partition by quarter, choice, subject, table_name, compared_with
            order by adjusted_segment, average_metric_score
        ) as integer) as rank,
        cast(count(*) over (
            partition by quarter, choice, subject, table_name, compared_with
        ) as integer) as organisations_ranked
    from sensitivity_segment

),

final as (

    select
        quarter_in_scope.quarter,
        quarter_in_scope.release_id,
        quarter_in_scope.is_sample,
        ranked.table_name,
        ranked.organisation_code,
        ranked.choice,
        nullif(ranked.subject, 'none') as subject,
        ranked.compared_with,
        cast(ranked.metric_count as integer) as metric_count,
        ranked.average_metric_score,
        ranked.average_metric_score_exact,
        ranked.unadjusted_segment,
        ranked.adjusted_segment,
        ranked.rank,
        ranked.organisations_ranked,
        ranked.threshold_basis,
        {{ exact('ranked.average_metric_score_exact - official.average_metric_score_exact') }}
            as average_change,
        ranked.adjusted_segment - official.adjusted_segment as segment_change,
        -- a place among peers isn't a place in the table
        case
            when ranked.choice <> 'within_peer_group' then ranked.rank - official.rank
        end as rank_change
    from ranked
    inner join ranked as official
        on
            {{ same_organisation('ranked', 'official') }}
            and official.choice = 'official'
    inner join quarter_in_scope
        on ranked.quarter = quarter_in_scope.quarter

)

select * from final
