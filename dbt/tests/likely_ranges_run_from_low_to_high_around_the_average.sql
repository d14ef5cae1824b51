-- A likely range runs from low to high, never leaves the table, and holds the average that it belongs to.
with

likely_range as (

    select * from {{ ref('likely_range') }}

),

league_table as (

    select * from {{ ref('league_table') }}

)

select
    likely_range.quarter,
    likely_range.organisation_code,
    likely_range.variant
from likely_range
inner join league_table
    on
        likely_range.quarter = league_table.quarter
        and likely_range.organisation_code = league_table.organisation_code
where
    likely_range.average_low > league_table.average_metric_score
    or league_table.average_metric_score > likely_range.average_high
    or likely_range.segment_low > likely_range.segment_high
    or likely_range.rank_low > likely_range.rank_high
    or likely_range.rank_low < 1
    or likely_range.rank_high > league_table.organisations_in_table
