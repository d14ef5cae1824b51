-- Individual metric rankings within each table, beside median and quartiles (ours and the publisher's).
with

quarter_in_scope as (

    select * from {{ source('run', 'quarter_in_scope') }}

),

metric_table_rank as (

    select * from {{ ref('metric_table_rank') }}

),

final as (

    select
        quarter_in_scope.quarter,
        quarter_in_scope.release_id,
        quarter_in_scope.is_sample,
        metric_table_rank.table_name,
        metric_table_rank.organisation_code,
        metric_table_rank.metric_id,
        metric_table_rank.value,
        metric_table_rank.rank_in_table,
        metric_table_rank.organisations_ranked,
        metric_table_rank.median,
        metric_table_rank.lower_quartile,
        metric_table_rank.upper_quartile,
        metric_table_rank.published_median,
        metric_table_rank.published_lower_quartile,
        metric_table_rank.published_upper_quartile
    from metric_table_rank
    inner join quarter_in_scope
        on metric_table_rank.quarter = quarter_in_scope.quarter

)

select * from final
