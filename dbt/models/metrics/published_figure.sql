-- Step: the publisher's own results (domains, averages, segments, flags), one row per organisation
-- and figure; the data file first, the league-table file where the data file has no such row.
with

data_figure as (

    select * from {{ ref('stg_nof_figure') }}
    where figure like 'OF4%' or figure like 'OF5%'

),

league_table_figure as (

    select * from {{ ref('stg_nof_league_table_figure') }}

),

only_in_league_table as (

    select league_table_figure.*
    from league_table_figure
    left join data_figure
        on
            {{ same_organisation('league_table_figure', 'data_figure') }}
            and league_table_figure.figure = data_figure.figure
    where data_figure.figure is null

),

final as (

    select
        quarter,
        framework,
        table_name,
        organisation_code,
        figure,
        value,
        published_rank,
        extract_id,
        sheet,
        source_row
    from data_figure
    union all
    select
        quarter,
        framework,
        table_name,
        organisation_code,
        figure,
        value,
        published_rank,
        extract_id,
        sheet,
        source_row
    from only_in_league_table

)

select * from final
