-- One row per organisation of the quarters in scope and list that knows organisations: the organisation
-- service's, where it is loaded, and the release of the quarter before. With it what the list says of its
-- code, which other code the list gives that name to, and which code may have been meant. Names are compared
-- without case, punctuation and the words for a trust's legal form.
with files as (
    select
        extract_id,
        min(file_name) as file_name
    from landing.extract
    group by extract_id
),

here as (
    select
        metric_value.quarter,
        metric_value.organisation_code,
        min(scope.is_sample) as is_sample,
        min(metric_value.table_name) as table_name,
        max(metric_value.organisation_name) as organisation_name,
        max(metric_value.organisation_subtype) as organisation_subtype,
        max(metric_value.region) as region,
        min({
            'file_name': coalesce(files.file_name, 'no file'),
            'source_row': coalesce(metric_value.source_row, metric_value.score_source_row)
        }) as first
    from metrics.metric_value as metric_value
    inner join run.quarter_in_scope as scope using (quarter)
    left join files on coalesce(metric_value.extract_id, metric_value.score_extract_id) = files.extract_id
    group by metric_value.quarter, metric_value.organisation_code
),

listed as (
    select
        scope.quarter,
        'the organisation service''s list' as list_name,
        listing.organisation_code,
        max(listing.organisation_name) as organisation_name,
        null as organisation_subtype,
        max(ods_region.region) as region,
        bool_and(listing.closed_on is not null) as is_closed
    from run.quarter_in_scope as scope
    cross join landing.organisation_reference as listing
    left join reference.ods_region as ods_region using (region_code)
    group by scope.quarter, listing.organisation_code
    union all
    select
        scope.quarter,
        'the release of ' || scope.quarter_before,
        organisation_history.organisation_code,
        max(organisation_history.organisation_name),
        max(organisation_history.organisation_subtype),
        max(organisation_history.region),
        false
    from quarter_before as scope
    inner join organisation_history on scope.quarter_before = organisation_history.quarter
    group by scope.quarter, scope.quarter_before, organisation_history.organisation_code
),

named_here as (
    select
        *,
        regexp_replace(
            regexp_replace(
                replace(lower(organisation_name), '&', ' and '),
                '\b(nhs|national health service|foundation|trust|the)\b', '', 'g'
            ),
            '[^\p{L}\p{N}]', '', 'g'
        ) as organisation_key
    from here
),

named_listed as (
    select
        *,
        regexp_replace(
            regexp_replace(
                replace(lower(organisation_name), '&', ' and '),
                '\b(nhs|national health service|foundation|trust|the)\b', '', 'g'
            ),
            '[^\p{L}\p{N}]', '', 'g'
        ) as organisation_key
    from listed
),

lists as (
    select
        quarter,
        list_name
    from named_listed
    group by quarter, list_name
),

-- A list of boards says nothing of trusts: whether a code is missing is asked where the list knows others of its table.
lists_of_tables as (
    select distinct
        named_listed.quarter,
        named_listed.list_name,
        named_here.table_name
    from named_listed
    inner join named_here using (quarter, organisation_code)
),

same_name as (
    select
        named_here.quarter,
        named_listed.list_name,
        named_here.organisation_code,
        min(named_listed.organisation_code) as code_of_the_name,
        bool_or(other_here.organisation_code is not null) as that_code_is_here
    from named_here
    inner join named_listed
        on
            named_here.quarter = named_listed.quarter
            and named_here.organisation_key = named_listed.organisation_key
            and named_here.organisation_code <> named_listed.organisation_code
    left join named_here as other_here
        on named_listed.quarter = other_here.quarter and named_listed.organisation_code = other_here.organisation_code
    where
        named_here.organisation_key <> ''
        and (not named_listed.is_closed or other_here.organisation_code is not null)
        and not exists (
            select 1 from reference.organisation_successor as successor
            where
                successor.is_sample = named_here.is_sample
                and successor.organisation_code = named_listed.organisation_code
                and successor.successor_code = named_here.organisation_code
        )
    group by named_here.quarter, named_listed.list_name, named_here.organisation_code
),

-- Codes of the list that aren't here and differ from one that is in a single character, written for another.
respelt as (
    select
        named_here.quarter,
        named_here.organisation_code,
        substr(named_here.organisation_code, 1, cast(places.place as integer) - 1)
        || lookalike.meant
        || substr(named_here.organisation_code, cast(places.place as integer) + 1) as meant_code,
        lookalike.never_in_trust_codes
        and not named_here.is_sample
        and length(named_here.organisation_code) = 3
        and named_here.table_name <> 'icb' as can_be_no_trust
    from named_here
    cross join (select unnest(range(1, 6)) as place) as places
    inner join reference.lookalike_character as lookalike
        on substr(named_here.organisation_code, cast(places.place as integer), 1) = lookalike.written
),

lookalikes as (
    select
        respelt.quarter,
        named_listed.list_name,
        respelt.organisation_code,
        min(respelt.meant_code) as lookalike_code
    from respelt
    inner join named_listed
        on respelt.quarter = named_listed.quarter and respelt.meant_code = named_listed.organisation_code
    left join named_here as other_here
        on respelt.quarter = other_here.quarter and respelt.meant_code = other_here.organisation_code
    where other_here.organisation_code is null and not named_listed.is_closed
    group by respelt.quarter, named_listed.list_name, respelt.organisation_code
),

known as (
    select
        quarter,
        organisation_code
    from named_listed
    group by quarter, organisation_code
),

impossible as (
    select
        quarter,
        organisation_code,
        min(meant_code) as meant_code
    from respelt
    where can_be_no_trust
    group by quarter, organisation_code
),

compared as (
    select
        named_here.quarter,
        lists.list_name,
        named_here.table_name,
        named_here.organisation_code,
        named_here.organisation_name,
        named_here.organisation_subtype,
        named_here.region,
        struct_extract(named_here.first, 'file_name') as file_name,
        struct_extract(named_here.first, 'source_row') as source_row,
        named_listed.organisation_name as listed_name,
        named_listed.organisation_subtype as listed_subtype,
        named_listed.region as listed_region,
        known.organisation_code is not null as code_is_known,
        lists_of_tables.table_name is not null as list_knows_the_table,
        coalesce(
            lookalikes.lookalike_code,
            case when not same_name.that_code_is_here then same_name.code_of_the_name end,
            impossible.meant_code
        ) as likely_code,
        same_name.code_of_the_name,
        named_listed.organisation_key = named_here.organisation_key as name_agrees,
        case
            when named_listed.organisation_code is not null and same_name.that_code_is_here
                then named_listed.organisation_key = named_here.organisation_key
        end as name_is_of_its_code
    from named_here
    left join lists using (quarter)
    left join named_listed
        on
            lists.quarter = named_listed.quarter
            and lists.list_name = named_listed.list_name
            and named_here.organisation_code = named_listed.organisation_code
    left join lists_of_tables
        on
            lists.quarter = lists_of_tables.quarter
            and lists.list_name = lists_of_tables.list_name
            and named_here.table_name = lists_of_tables.table_name
    left join same_name
        on
            lists.quarter = same_name.quarter
            and lists.list_name = same_name.list_name
            and named_here.organisation_code = same_name.organisation_code
    left join lookalikes
        on
            lists.quarter = lookalikes.quarter
            and lists.list_name = lookalikes.list_name
            and named_here.organisation_code = lookalikes.organisation_code
    left join known on named_here.quarter = known.quarter and named_here.organisation_code = known.organisation_code
    left join impossible
        on named_here.quarter = impossible.quarter and named_here.organisation_code = impossible.organisation_code
)

select
    quarter,
    coalesce(list_name, 'no list of organisations') as list_name,
    table_name,
    organisation_code,
    organisation_name,
    organisation_subtype,
    region,
    file_name,
    source_row,
    listed_name,
    listed_subtype,
    listed_region,
    likely_code,
    code_of_the_name,
    name_is_of_its_code,
    case when not code_is_known and likely_code is not null then false end as code_is_not_misspelt,
    case when not code_is_known and likely_code is null and list_knows_the_table then false end as code_is_listed,
    case when name_is_of_its_code is distinct from false then name_agrees end as name_is_as_listed,
    region = listed_region as region_is_as_listed,
    organisation_subtype = listed_subtype as subtype_is_as_listed
from compared
order by quarter, list_name, organisation_code
