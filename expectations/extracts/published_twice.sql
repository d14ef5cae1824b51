-- One row per figure that the data file and the league-table file both publish, with what each says. With
-- several vintages of a file it's enough that one of them agrees: which one wins is settled later.
with files as (
    select
        extract_id,
        min(file_name) as file_name
    from landing.extract
    group by extract_id
),

figures as (
    select
        landed.quarter,
        landed.organisation_code,
        landed.source,
        published.figure,
        published.value,
        coalesce(files.file_name, 'unknown file') as file_name,
        landed.source_row
    from landing.extract_row as landed
    inner join run.quarter_in_scope using (quarter)
    left join files using (extract_id)
    cross join
        lateral (
            values
            (landed.figure, landed.value),
            (landed.figure || '.rank', cast(landed.published_rank as decimal(18, 6)))
        ) as published (figure, value)
    where published.figure in ('OF5002', 'OF5000', 'OF5004', 'OF5000.rank') and published.value is not null
),

paired as (
    select
        league.quarter,
        league.organisation_code,
        league.figure,
        league.value as league_value,
        league.file_name,
        league.source_row,
        bool_or(data.value = league.value) as agrees,
        min({ 'file_name': data.file_name, 'source_row': data.source_row, 'value': data.value }) as data
    from figures as league
    inner join figures as data
        on
            league.quarter = data.quarter
            and league.organisation_code = data.organisation_code
            and league.figure = data.figure
    where league.source = 'nof_league_table' and data.source = 'nof_data'
    group by
        league.quarter,
        league.organisation_code,
        league.figure,
        league.value,
        league.file_name,
        league.source_row
)

select
    quarter,
    organisation_code,
    figure,
    league_value,
    file_name,
    source_row,
    data.file_name as data_file_name,
    data.source_row as data_source_row,
    data.value as data_value,
    case when figure = 'OF5002' then agrees end as average_agrees,
    case when figure <> 'OF5002' then agrees end as standing_agrees,
    case figure
        when 'OF5002' then 'Average_score'
        when 'OF5000' then 'Segment'
        when 'OF5004' then 'Trust_in_financial_deficit'
        else 'Rank'
    end as league_column
from paired
order by quarter, file_name, source_row, figure
