-- Re-scoring apart, step 3: the figures as if a data file held them, so that the same models score them.
-- Without a table of the framework, the cut-points of segments are the release's own. A score or a flag that
-- is changed by hand stands in place of the release's.
with

quarter_in_scope as (

    select * from {{ source('run', 'quarter_in_scope') }}

),

league_table as (

    select * from {{ source('released', 'league_table') }}

),

scenario_figure as (

    select * from {{ ref('scenario_figure') }}

),

changed_figure as (

    select * from {{ source('scenario', 'changed_figure') }}
    where figure not like 'OF0%'

),

-- the unit of a score is that of its metric where no value stands beside it
released_figure as (

    select
        organisation_code,
        metric_id as figure,
        unit,
        period,
        value,
        rank_in_table,
        is_scored_anew
    from scenario_figure
    where value is not null
    union all
    select
        organisation_code,
        'OF1' || substr(metric_id, 4) as figure,
        'score' as unit,
        period,
        metric_score as value,
        null as rank_in_table,
        is_scored_anew
    from scenario_figure
    where not is_scored_anew
    union all
    select
        organisation_code,
        'OF5004' as figure,
        'flag' as unit,
        null as period,
        cast(financial_override as integer) as value,
        null as rank_in_table,
        false as is_scored_anew
    from league_table
    where financial_override_basis = 'published'
    union all
    select
        organisation_code,
        'OF5007' as figure,
        'flag' as unit,
        null as period,
        cast(final_segment = 5 as integer) as value,
        null as rank_in_table,
        false as is_scored_anew
    from league_table
    where final_segment is not null
    union all
    select
        organisation_code,
        'OF5002' as figure,
        'score' as unit,
        null as period,
        average_metric_score as value,
        null as rank_in_table,
        false as is_scored_anew
    from league_table
    where threshold_basis = 'published'
    union all
    select
        organisation_code,
        'OF5003' as figure,
        'segment' as unit,
        null as period,
        unadjusted_segment as value,
        null as rank_in_table,
        false as is_scored_anew
    from league_table
    where threshold_basis = 'published'

),

figure as (

    select
        quarter_in_scope.previous_release_id as extract_id,
        released_figure.organisation_code,
        released_figure.figure,
        released_figure.unit,
        released_figure.period,
        released_figure.value,
        case when not released_figure.is_scored_anew then released_figure.rank_in_table end as published_rank
    from released_figure
    cross join quarter_in_scope
    left join changed_figure
        on
            released_figure.organisation_code = changed_figure.organisation_code
            and released_figure.figure = changed_figure.figure
    where changed_figure.figure is null
    union all
    select
        'what-if' as extract_id,
        organisation_code,
        figure,
        case when figure like 'OF1%' then 'score' else 'flag' end as unit,
        null as period,
        value,
        null as published_rank
    from changed_figure

),

final as (

    select
        figure.extract_id,
        'nof_data' as source,
        0 as source_row,
        quarter_in_scope.quarter,
        league_table.table_name,
        figure.organisation_code,
        league_table.organisation_name,
        league_table.organisation_subtype,
        league_table.region,
        figure.figure,
        figure.period as reporting_date,
        figure.unit,
        cast(figure.value as string) as value_text,
        cast(figure.value as decimal(18, 6)) as value,
        figure.published_rank
    from figure
    cross join quarter_in_scope
    inner join league_table
        on figure.organisation_code = league_table.organisation_code

)

select * from final
