-- One row per quarter in scope, file, column and text that describes a figure or an organisation: the first
-- row in which it stands. Values, scores and ranks are numbers by now and aren't texts. Files of the
-- organisation service and of other statistics have a say in every quarter that uses them.
with files as (
    select
        extract_id,
        min(file_name) as file_name
    from landing.extract
    group by extract_id
),

described as (
    select
        landed.quarter,
        landed.extract_id,
        landed.source_row,
        texts.column_name,
        texts.text
    from landing.extract_row as landed
    inner join run.quarter_in_scope using (quarter)
    cross join
        lateral (
            values
            ('Trust_code', landed.organisation_code),
            ('Trust_name', landed.organisation_name),
            ('Trust_subtype', landed.organisation_subtype),
            ('Region', landed.region),
            ('Metric_ID', landed.figure),
            ('Domain', landed.domain),
            ('Sub-domain', landed.sub_domain),
            ('Metric_description', landed.figure_description),
            ('Reporting_date', landed.reporting_date),
            ('Units', landed.unit)
        ) as texts (column_name, text)
),

counted as (
    select
        landed.quarter,
        landed.extract_id,
        landed.source_row,
        texts.column_name,
        texts.text
    from landing.statistic_row as landed
    inner join run.quarter_in_scope using (quarter)
    cross join
        lateral (
            values
            ('organisation code', landed.organisation_code),
            ('organisation name', landed.organisation_name),
            ('category', landed.category)
        ) as texts (column_name, text)
),

listed as (
    select
        scope.quarter,
        landed.extract_id,
        landed.source_row,
        texts.column_name,
        texts.text
    from landing.organisation_reference as landed
    cross join run.quarter_in_scope as scope
    cross join
        lateral (
            values
            ('organisation code', landed.organisation_code),
            ('organisation name', landed.organisation_name),
            ('region code', landed.region_code),
            ('ICB code', landed.icb_code)
        ) as texts (column_name, text)
),

every_text as (
    select
        quarter,
        extract_id,
        column_name,
        text,
        min(source_row) as source_row
    from (
        select * from described
        union all
        select * from counted
        union all
        select * from listed
    )
    where text is not null and text <> ''
    group by quarter, extract_id, column_name, text
),

longest as (
    select max(cast(value as integer)) as longest_text from reference.input_check_parameter
    where parameter = 'longest_text'
)

-- Letters, marks, digits, punctuation, signs and spaces are visible; what isn't one of these is a control or
-- bidirectional character, a surrogate, for private use or unassigned. Listed beside them are letters and
-- marks that show as nothing.
select
    every_text.quarter,
    coalesce(files.file_name, 'unknown file') as file_name,
    every_text.source_row,
    every_text.column_name,
    every_text.text,
    length(every_text.text) as characters,
    longest.longest_text,
    not regexp_matches(
        every_text.text,
        '[^\p{L}\p{M}\p{N}\p{P}\p{S}\p{Zs}]|'
        || '[\x{034F}\x{115F}\x{1160}\x{17B4}\x{17B5}\x{180B}-\x{180F}\x{2800}\x{3164}\x{FE00}-\x{FE0F}\x{FFA0}\x{E0100}-\x{E01EF}]'
    ) as is_printable,
    not regexp_matches(every_text.text, '^\s*[=+\-@\x{FF1D}\x{FF0B}\x{FF0D}\x{FF20}].') as is_no_formula
from every_text
cross join longest
left join files using (extract_id)
order by every_text.quarter, file_name, every_text.source_row, every_text.column_name, every_text.text
