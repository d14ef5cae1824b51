{% test unique_combination(model, columns) %}
{# No two rows share the grain of the table. #}
select
    {{ columns | join(',\n    ') }},
    count(*) as rows_found
from {{ model }}
group by
    {{ columns | join(',\n    ') }}
having count(*) > 1
{% endtest %}
