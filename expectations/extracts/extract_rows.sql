-- One row per published figure of the quarters in scope. A column that an expectation judges is null where
-- it doesn't apply, so that a score is judged as a score and a segment as a segment.
with files as (
    select
        extract_id,
        min(file_name) as file_name
    from landing.extract
    group by extract_id
),

overall_figures (figure, kind, unit, league_column) as (
    values
    ('OF5000', 'segment', 'segment', 'Segment'),
    ('OF5002', 'score', 'score', 'Average_score'),
    ('OF5003', 'segment', 'segment', null),
    ('OF5004', 'flag', 'flag', 'Trust_in_financial_deficit'),
    ('OF5005', 'final segment', 'segment', null),
    ('OF5007', 'flag', 'flag', null),
    ('OF5002.likely_low', 'score', null, 'Likely_range_of_average_score'),
    ('OF5002.likely_high', 'score', null, 'Likely_range_of_average_score'),
    ('OF5000.rank_likely_low', 'rank', null, 'Likely_range_of_rank'),
    ('OF5000.rank_likely_high', 'rank', null, 'Likely_range_of_rank')
),

code_patterns as (
    select
        table_group,
        string_agg(pattern, '|' order by pattern) as pattern
    from reference.organisation_code_pattern
    group by table_group
),

metric_units as (
    select
        framework,
        metric_id,
        string_agg(distinct unit, ' or ' order by unit) as units,
        list(distinct unit) as accepted
    from methodology.metric_rule
    group by framework, metric_id
),

score_places as (
    select
        framework,
        max(cast(value as integer)) as published_score_dp
    from methodology.framework_parameter
    where parameter = 'published_score_dp'
    group by framework
),

landed as (
    select
        scope.framework,
        scope.is_sample,
        landed_row.*,
        coalesce(files.file_name, 'unknown file') as file_name,
        case
            when
                regexp_full_match(landed_row.figure, 'OF[01][0-9]{3}')
                then 'OF0' || right(landed_row.figure, 3)
        end as metric_id,
        count(*) over (
            partition by
                landed_row.extract_id,
                landed_row.source,
                landed_row.quarter,
                landed_row.organisation_code,
                landed_row.figure
        ) as times_in_file,
        max(case when landed_row.figure like '%likely_high' then landed_row.value end) over (
            partition by
                landed_row.extract_id,
                landed_row.quarter,
                landed_row.organisation_code,
                split_part(landed_row.figure, 'likely', 1)
        ) as likely_high
    from landing.extract_row as landed_row
    inner join run.quarter_in_scope as scope using (quarter)
    left join files using (extract_id)
),

organisations as (
    select
        quarter,
        table_name,
        count(distinct organisation_code) as organisations_in_table
    from landed
    group by quarter, table_name
),

written as (
    select distinct
        table_name,
        organisation_code
    from landed
),

-- Each code once: a pattern that is a column is compiled for every row.
codes as (
    select
        written.table_name,
        written.organisation_code,
        code_patterns.pattern as code_pattern,
        regexp_full_match(written.organisation_code, code_patterns.pattern) as code_known
    from written
    left join code_patterns
        on case when written.table_name = 'icb' then 'icb' else 'trust' end = code_patterns.table_group
),

scored_metrics as (
    select distinct
        quarter,
        metric_id
    from landed
    where left(figure, 3) = 'OF1' and metric_id is not null
),

regions as (select distinct region from reference.region),

classified as (
    select
        landed.*,
        metric.metric_id is not null as in_framework,
        scored_metrics.metric_id is not null as is_scored,
        applicability.metric_id is not null as applies,
        metric_units.accepted as accepted_units,
        codes.code_pattern,
        codes.code_known,
        organisations.organisations_in_table,
        score_places.published_score_dp,
        regions.region is not null as region_known,
        overall_figures.league_column,
        case
            when landed.metric_id is not null and left(landed.figure, 3) = 'OF0' then 'value'
            when landed.metric_id is not null then 'score'
            when domain_score.domain is not null then 'score'
            when domain_segment.domain is not null then 'segment'
            else overall_figures.kind
        end as kind,
        case
            when landed.metric_id is not null and left(landed.figure, 3) = 'OF0' then metric_units.units
            when landed.metric_id is not null or domain_score.domain is not null then 'score'
            when domain_segment.domain is not null then 'segment'
            else overall_figures.unit
        end as expected_unit
    from landed
    left join methodology.metric as metric
        on landed.framework = metric.framework and landed.metric_id = metric.metric_id
    left join methodology.metric_applicability as applicability
        on
            landed.framework = applicability.framework
            and landed.metric_id = applicability.metric_id
            and landed.table_name = applicability.table_name
    left join metric_units
        on landed.framework = metric_units.framework and landed.metric_id = metric_units.metric_id
    left join methodology.domain as domain_score
        on landed.framework = domain_score.framework and landed.figure = domain_score.score_figure
    left join methodology.domain as domain_segment
        on landed.framework = domain_segment.framework and landed.figure = domain_segment.segment_figure
    left join scored_metrics
        on landed.quarter = scored_metrics.quarter and landed.metric_id = scored_metrics.metric_id
    left join codes
        on
            landed.table_name is not distinct from codes.table_name
            and landed.organisation_code is not distinct from codes.organisation_code
    left join organisations
        on landed.quarter = organisations.quarter and landed.table_name = organisations.table_name
    left join score_places on landed.framework = score_places.framework
    left join overall_figures on landed.figure = overall_figures.figure
    left join regions on landed.region = regions.region
)

select
    quarter,
    file_name,
    source_row,
    table_name,
    organisation_code,
    organisation_name,
    figure,
    metric_id,
    region,
    unit,
    value_text,
    value,
    times_in_file,
    code_pattern,
    expected_unit,
    organisations_in_table,
    published_score_dp,
    case when source = 'nof_data' then 'Value' else coalesce(league_column, 'Rank') end as value_column,
    case when table_name = 'icb' then 'ICB_code' else 'Trust_code' end as code_column,
    case when table_name = 'icb' then 'ICB_name' else 'Trust_name' end as name_column,
    coalesce(code_known, false) as code_known,
    region_known,
    case when metric_id is not null and is_scored then in_framework end as scored_metric_known,
    case
        when metric_id is not null and not is_scored then in_framework
        when metric_id is null then kind is not null
    end as figure_known,
    case when in_framework then applies end as metric_applies,
    case
        when source <> 'nof_data' or expected_unit is null then null
        when kind = 'value' then coalesce(list_contains(accepted_units, unit), false)
        else coalesce(unit = expected_unit, false)
    end as unit_fits,
    case
        when value is not null or coalesce(trim(value_text), '') <> '' then value is not null
    end as value_is_a_number,
    case when kind in ('segment', 'final segment', 'flag') or figure = 'OF5002' then value is not null end
        as standing_is_stated,
    case when kind = 'score' then value end as score,
    case
        when kind = 'score' and value is not null
            then length(regexp_extract(cast(value as varchar), '\.([0-9]*?)0*$', 1))
    end as score_decimal_places,
    case when kind = 'segment' then value end as segment,
    case when kind = 'final segment' then value end as final_segment,
    case when kind = 'flag' then value end as flag,
    case when kind = 'rank' then value else published_rank end as rank,
    case when figure like '%likely_low' then value end as likely_low,
    case when figure like '%likely_low' then likely_high end as likely_high
from classified
order by quarter, file_name, source_row, figure
