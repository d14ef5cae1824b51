-- One row per quarter in scope, file, organisation and text that describes it (name, subtype, region), and per
-- file, figure and text that describes that (description, domain, sub-domain): how often the text stands
-- there, and which one most rows have. Texts are compared without case, spaces and punctuation.
with files as (
    select
        extract_id,
        min(file_name) as file_name
    from landing.extract
    group by extract_id
),

stated as (
    select
        landed.quarter,
        landed.extract_id,
        landed.source_row,
        texts.about,
        texts.column_name,
        coalesce(texts.text, '') as text
    from landing.extract_row as landed
    inner join run.quarter_in_scope using (quarter)
    cross join
        lateral (
            values
            ('organisation ' || landed.organisation_code, 'name', landed.organisation_name),
            ('organisation ' || landed.organisation_code, 'subtype', landed.organisation_subtype),
            ('organisation ' || landed.organisation_code, 'region', landed.region),
            (landed.figure, 'description', landed.figure_description),
            (landed.figure, 'domain', landed.domain),
            (landed.figure, 'sub-domain', landed.sub_domain)
        ) as texts (about, column_name, text)
),

as_written as (
    select
        quarter,
        extract_id,
        about,
        column_name,
        text,
        min(source_row) as source_row,
        count(*) as times_found
    from stated
    group by quarter, extract_id, about, column_name, text
),

compared as (
    select
        quarter,
        extract_id,
        about,
        column_name,
        regexp_replace(replace(lower(text), '&', 'and'), '[^\p{L}\p{N}]', '', 'g') as text_key,
        min(text) as text,
        min(source_row) as source_row,
        cast(sum(times_found) as bigint) as times_found
    from as_written
    group by quarter, extract_id, about, column_name, text_key
),

with_the_usual as (
    select
        *,
        first_value(text_key) over usual_first as usual_key,
        first_value(text) over usual_first as usual_text,
        first_value(text_key) over quarters_usual_first as quarters_usual_key,
        first_value(text) over quarters_usual_first as quarters_usual_text
    from compared
    window
        usual_first as (
            partition by quarter, extract_id, about, column_name
            order by times_found desc, text_key, source_row
        ),
        quarters_usual_first as (
            partition by quarter, about, column_name
            order by times_found desc, text_key, extract_id, source_row
        )
),

named as (
    select
        quarter,
        text_key,
        count(distinct about) as codes_of_the_name,
        string_agg(distinct about, ' and ' order by about) as who_has_the_name
    from compared
    where column_name = 'name' and text_key <> ''
    group by quarter, text_key
)

select
    with_the_usual.quarter,
    coalesce(files.file_name, 'unknown file') as file_name,
    with_the_usual.source_row,
    with_the_usual.about,
    with_the_usual.column_name,
    with_the_usual.text,
    with_the_usual.times_found,
    with_the_usual.usual_text,
    with_the_usual.quarters_usual_text,
    named.who_has_the_name,
    named.codes_of_the_name,
    case when with_the_usual.column_name = 'name' then with_the_usual.text_key = with_the_usual.usual_key end
        as name_agrees,
    case
        when with_the_usual.column_name in ('subtype', 'region')
            then with_the_usual.text_key = with_the_usual.usual_key
    end as subtype_and_region_agree,
    case
        when with_the_usual.column_name in ('description', 'domain', 'sub-domain')
            then with_the_usual.text_key = with_the_usual.usual_key
    end as figure_text_agrees,
    case
        when
            with_the_usual.column_name in ('name', 'subtype', 'region')
            and with_the_usual.text_key = with_the_usual.usual_key
            then with_the_usual.text_key = with_the_usual.quarters_usual_key
    end as agrees_with_other_files
from with_the_usual
left join files using (extract_id)
left join named
    on
        with_the_usual.column_name = 'name'
        and with_the_usual.quarter = named.quarter
        and with_the_usual.text_key = named.text_key
order by
    with_the_usual.quarter,
    file_name,
    with_the_usual.source_row,
    with_the_usual.about,
    with_the_usual.column_name,
    with_the_usual.text_key
