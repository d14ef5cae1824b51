-- One row per column that the later suites read: the type it should have and the type it has.
with expected (relation, column_name, expected_type) as (
    values
    ('extract_row', 'extract_id', 'text'),
    ('extract_row', 'source', 'text'),
    ('extract_row', 'sheet', 'text'),
    ('extract_row', 'source_row', 'whole number'),
    ('extract_row', 'quarter', 'text'),
    ('extract_row', 'table_name', 'text'),
    ('extract_row', 'organisation_code', 'text'),
    ('extract_row', 'organisation_name', 'text'),
    ('extract_row', 'organisation_subtype', 'text'),
    ('extract_row', 'region', 'text'),
    ('extract_row', 'figure', 'text'),
    ('extract_row', 'domain', 'text'),
    ('extract_row', 'sub_domain', 'text'),
    ('extract_row', 'figure_description', 'text'),
    ('extract_row', 'reporting_date', 'text'),
    ('extract_row', 'unit', 'text'),
    ('extract_row', 'value_text', 'text'),
    ('extract_row', 'value', 'decimal(18,6)'),
    ('extract_row', 'median_value', 'decimal(18,6)'),
    ('extract_row', 'lower_quartile', 'decimal(18,6)'),
    ('extract_row', 'upper_quartile', 'decimal(18,6)'),
    ('extract_row', 'published_rank', 'whole number'),
    ('extract', 'extract_id', 'text'),
    ('extract', 'source', 'text'),
    ('extract', 'file_name', 'text'),
    ('extract', 'publisher', 'text'),
    ('extract', 'licence', 'text'),
    ('extract', 'table_name', 'text'),
    ('extract', 'bytes', 'whole number'),
    ('extract', 'rows', 'whole number'),
    ('extract', 'release_state', 'text'),
    ('extract', 'supersedes', 'text'),
    ('extract', 'is_sample', 'boolean'),
    ('row_set_aside', 'extract_id', 'text'),
    ('row_set_aside', 'file_name', 'text'),
    ('row_set_aside', 'source_row', 'whole number'),
    ('row_set_aside', 'organisation_code', 'text'),
    ('row_set_aside', 'figure', 'text'),
    ('row_set_aside', 'reason', 'text'),
    ('row_set_aside', 'raw_line', 'text')
),

found as (
    select
        table_name as relation,
        column_name,
        case
            when data_type = 'VARCHAR' then 'text'
            when regexp_full_match(data_type, 'U?(TINY|SMALL|BIG|HUGE)?INT(EGER)?') then 'whole number'
            else lower(data_type)
        end as found_type
    from duckdb_columns()
    where schema_name = 'landing'
)

select
    scope.quarter,
    'landing.' || expected.relation as relation,
    expected.column_name,
    expected.expected_type,
    coalesce(found.found_type, 'no such column') as found_type
from run.quarter_in_scope as scope
cross join expected
left join found using (relation, column_name)
order by scope.quarter, relation, expected.column_name
