-- From each figure to the physical rows it rests on: `published` is the publisher's own row of the figure,
-- `input` a row that the recomputation read.
with

quarter_in_scope as (

    select * from {{ source('run', 'quarter_in_scope') }}

),

metric_value as (

    select * from {{ ref('metric_value') }}

),

metric as (

    select * from {{ ref('metric') }}

),

domain as (

    select * from {{ ref('domain') }}

),

statistic_cell as (

    select * from {{ ref('statistic_cell') }}

),

published_figure as (

    select * from {{ ref('published_figure') }}

),

-- the row that holds what was measured: the value's, or the score's for a score-only metric
input_row as (

    select
        metric_value.quarter,
        metric_value.framework,
        metric_value.table_name,
        metric_value.organisation_code,
        metric_value.metric_id,
        metric_value.domain,
        metric.enters_average,
        coalesce(metric_value.extract_id, metric_value.score_extract_id) as extract_id,
        coalesce(metric_value.sheet, metric_value.score_sheet) as sheet,
        coalesce(metric_value.source_row, metric_value.score_source_row) as source_row
    from metric_value
    inner join metric
        on {{ same_metric('metric_value', 'metric') }}

),

computed_metric_value as (

    select * from {{ ref('computed_metric_value') }}

),

-- the counted cells that a value was computed from
statistic_row as (

    select distinct
        metric_value.quarter,
        metric_value.table_name,
        metric_value.organisation_code,
        metric_value.metric_id,
        statistic_cell.extract_id,
        statistic_cell.sheet,
        statistic_cell.source_row
    from metric_value
    inner join computed_metric_value
        on {{ same_metric_of_code('metric_value', 'computed_metric_value') }}
    inner join statistic_cell
        on {{ same_metric_of_code('metric_value', 'statistic_cell') }}
    where
        metric_value.value is not null
        and computed_metric_value.printed_value is not null

),

override_row as (

    select
        quarter,
        table_name,
        organisation_code,
        extract_id,
        sheet,
        source_row
    from published_figure
    where figure = 'OF5004'

),

figure_row as (

    select
        quarter,
        table_name,
        organisation_code,
        metric_id as figure,
        'published' as role,
        extract_id,
        sheet,
        source_row
    from metric_value
    where source_row is not null
    union all
    select
        quarter,
        table_name,
        organisation_code,
        metric_id as figure,
        'input' as role,
        extract_id,
        sheet,
        source_row
    from statistic_row
    union all
    select
        quarter,
        table_name,
        organisation_code,
        'OF1' || substr(metric_id, 4) as figure,
        'published' as role,
        score_extract_id as extract_id,
        score_sheet as sheet,
        score_source_row as source_row
    from metric_value
    where score_source_row is not null
    union all
    select
        quarter,
        table_name,
        organisation_code,
        figure,
        'published' as role,
        extract_id,
        sheet,
        source_row
    from published_figure
    union all
    select
        quarter,
        table_name,
        organisation_code,
        'OF1' || substr(metric_id, 4) as figure,
        'input' as role,
        extract_id,
        sheet,
        source_row
    from input_row
    union all
    select
        input_row.quarter,
        input_row.table_name,
        input_row.organisation_code,
        domain.score_figure as figure,
        'input' as role,
        input_row.extract_id,
        input_row.sheet,
        input_row.source_row
    from input_row
    inner join domain
        on
            input_row.framework = domain.framework
            and input_row.domain = domain.domain
    union all
    select
        quarter,
        table_name,
        organisation_code,
        'OF5002' as figure,
        'input' as role,
        extract_id,
        sheet,
        source_row
    from input_row
    union all
    select
        quarter,
        table_name,
        organisation_code,
        'OF5000' as figure,
        'input' as role,
        extract_id,
        sheet,
        source_row
    from override_row

),

final as (

    select
        quarter_in_scope.quarter,
        quarter_in_scope.release_id,
        quarter_in_scope.is_sample,
        figure_row.table_name,
        figure_row.organisation_code,
        figure_row.figure,
        figure_row.role,
        figure_row.extract_id,
        figure_row.sheet,
        figure_row.source_row
    from figure_row
    inner join quarter_in_scope
        on figure_row.quarter = quarter_in_scope.quarter

)

select * from final
