{% test rows_are_complete(model, columns) %}
{# None of these columns is ever empty: one pass over a model that is dear to compute. #}
select {{ columns | join(', ') }}
from {{ model }}
where {{ columns | join(' is null or ') }} is null
{% endtest %}
