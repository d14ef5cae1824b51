-- Columns' types are fixed before rules are read: a framework that publishes at other places needs another
-- published_score_dp() in macros/exact_numbers.sql.
select
    framework,
    value as expected_places
from {{ ref('framework_parameter') }}
where parameter = 'published_score_dp' and value <> {{ published_score_dp() }}
