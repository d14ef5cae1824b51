{# What patient-level rows are told by: cheap for each of millions of rows, and the same on every engine. #}

{# Whether a text as a whole is of a form; DuckDB looks at each different text of a column once. #}
{% macro has_form(text, pattern) -%}
    {{ return(adapter.dispatch("has_form")(text, pattern)) }}
{%- endmacro %}

{% macro default__has_form(text, pattern) -%}
    regexp_full_match({{ text }}, '{{ pattern }}')
{%- endmacro %}

{% macro spark__has_form(text, pattern) -%}
    {{ text }} rlike '^({{ pattern }})$'
{%- endmacro %}

{# Whether it can be a code that ODS gives an organisation. #}
{% macro is_code(code) -%}
    {{ has_form(code, "[A-Z0-9]{3,6}") }}
{%- endmacro %}

{# Whether it is a treatment function of the publisher's extract, where C_999 is the total of all. #}
{% macro is_treatment_function(code) -%}
    ({{ has_form(code, "C_[0-9]{3}|X[0-9]{2}") }} and {{ code }} <> 'C_999')
{%- endmacro %}
