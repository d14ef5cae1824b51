{# What the models that compare two releases share. #}

{# One term of a rule, from `name=value; name=value`; null where the rule doesn't have it. #}
{% macro rule_term(rule_terms, name) -%}
    nullif(regexp_extract({{ rule_terms }}, '(^|; ){{ name }}=([^;]*)', 2), '')
{%- endmacro %}

{# The number of a quarter on an endless count, so that adjacent quarters differ by one. #}
{% macro quarter_number(quarter) -%}
    (cast(substr({{ quarter }}, 1, 4) as integer) * 4 + cast(substr({{ quarter }}, 10, 1) as integer))
{%- endmacro %}
