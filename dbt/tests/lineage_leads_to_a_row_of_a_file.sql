-- Each row of the lineage of this run's quarters is a physical row that was read, and every average and
-- metric score has at least one.
with

quarter_in_scope as (

    select * from {{ source('run', 'quarter_in_scope') }}

),

extract_row as (

    select
        quarter,
        extract_id,
        source_row
    from {{ source('landing', 'extract_row') }}
    union
    select
        quarter,
        extract_id,
        source_row
    from {{ source('landing', 'statistic_row') }}

),

lineage as (

    select lineage.*
    from {{ ref('lineage') }} as lineage
    inner join quarter_in_scope
        on lineage.quarter = quarter_in_scope.quarter

),

scored as (

    select
        metric_score.quarter,
        metric_score.organisation_code,
        'OF1' || substr(metric_score.metric_id, 4) as figure
    from {{ ref('metric_score') }} as metric_score
    inner join quarter_in_scope
        on metric_score.quarter = quarter_in_scope.quarter
    union all
    select
        league_table.quarter,
        league_table.organisation_code,
        'OF5002' as figure
    from {{ ref('league_table') }} as league_table
    inner join quarter_in_scope
        on league_table.quarter = quarter_in_scope.quarter

)

select
    lineage.quarter,
    lineage.organisation_code,
    lineage.figure,
    'leads to no row that was read' as fault
from lineage
left join extract_row
    on
        lineage.quarter = extract_row.quarter
        and lineage.extract_id = extract_row.extract_id
        and lineage.source_row = extract_row.source_row
where extract_row.quarter is null
union all
select
    scored.quarter,
    scored.organisation_code,
    scored.figure,
    'has no lineage' as fault
from scored
left join lineage
    on
        scored.quarter = lineage.quarter
        and scored.organisation_code = lineage.organisation_code
        and scored.figure = lineage.figure
where lineage.quarter is null
