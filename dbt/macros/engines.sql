{# What DuckDB and Spark write differently, a macro each: the models that use them are one file for both. #}

{# A quotient of whole numbers without its remainder. #}
{% macro whole_quotient(dividend, divisor) -%}
    {{ return(adapter.dispatch("whole_quotient")(dividend, divisor)) }}
{%- endmacro %}

{% macro default__whole_quotient(dividend, divisor) -%}
    ({{ dividend }}) // ({{ divisor }})
{%- endmacro %}

{% macro spark__whole_quotient(dividend, divisor) -%}
    (({{ dividend }}) div ({{ divisor }}))
{%- endmacro %}
