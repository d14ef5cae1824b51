{# What patient-level rows are told by: cheap for each of millions of rows, and the same on every engine. #}

{# Whether a text as a whole is of a form; DuckDB looks at each different text of a column once. #}
{% macro has_form(text, pattern) -%}
    {{ adapter.dispatch("has_form")(text, pattern) }}
{%- endmacro %}

{% macro default__has_form(text, pattern) -%}
    regexp_full_match({{ text }}, '{{ pattern }}')
{%- endmacro %}

{% macro spark__has_form(text, pattern) -%}
    {# $ would let a line end stand behind it #}
    {{ text }} rlike '^({{ pattern }})\\z'
{%- endmacro %}

{# What may stand around a code or be all of an id: space, tab, line ends and the no-break space.
   Said one by one, as each engine's own trim takes others. #}
{% macro blanks() -%}
    ' ' || chr(9) || chr(10) || chr(11) || chr(12) || chr(13) || chr(160)
{%- endmacro %}

{% macro trimmed(text) -%}
    {{ adapter.dispatch("trimmed")(text) }}
{%- endmacro %}

{% macro default__trimmed(text) -%}
    trim({{ text }}, {{ blanks() }})
{%- endmacro %}

{% macro spark__trimmed(text) -%}
    btrim({{ text }}, {{ blanks() }})
{%- endmacro %}

{# A code in one form. Only letters of ODS's are raised: engines differ in what others become. #}
{% macro folded_code(text) -%}
    translate({{ trimmed(text) }}, 'abcdefghijklmnopqrstuvwxyz', 'ABCDEFGHIJKLMNOPQRSTUVWXYZ')
{%- endmacro %}

{# Whether there is nothing in it. An id that begins with another sign is told by that, untrimmed. #}
{% macro is_blank(text) -%}
    ({{ text }} is null or (({{ text }} < '!' or {{ text }} >= chr(160)) and {{ trimmed(text) }} = ''))
{%- endmacro %}

{# Whether it can be a code that ODS gives an organisation. #}
{% macro is_code(code) -%}
    {{ has_form(code, "[A-Z0-9]{3,6}") }}
{%- endmacro %}

{# Whether it is a treatment function of the publisher's extract, where C_999 is the total of all. #}
{% macro is_treatment_function(code) -%}
    ({{ has_form(code, "C_[0-9]{3}|X[0-9]{2}") }} and {{ code }} <> 'C_999')
{%- endmacro %}

{# Whether a row isn't counted because its pathway has ended, rightly and without a fault. #}
{% macro has_ended(reason) -%}
    {{ reason }} in ('the clock stopped before the census', 'the clock stopped on the day of the census')
{%- endmacro %}

{# Days from one day to another. #}
{% macro days_between(first, last) -%}
    {{ adapter.dispatch("days_between")(first, last) }}
{%- endmacro %}

{% macro default__days_between(first, last) -%}
    date_diff('day', {{ first }}, {{ last }})
{%- endmacro %}

{% macro spark__days_between(first, last) -%}
    datediff({{ last }}, {{ first }})
{%- endmacro %}
