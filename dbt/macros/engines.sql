{# What DuckDB and Spark write differently, a macro each: the models that use them are one file for both. #}

{# A quotient of whole numbers without its remainder. #}
{% macro whole_quotient(dividend, divisor) -%}
    {{ adapter.dispatch("whole_quotient")(dividend, divisor) }}
{%- endmacro %}

{% macro default__whole_quotient(dividend, divisor) -%}
    ({{ dividend }}) // ({{ divisor }})
{%- endmacro %}

{% macro spark__whole_quotient(dividend, divisor) -%}
    (({{ dividend }}) div ({{ divisor }}))
{%- endmacro %}

{#
    A number as a decimal, rounded half away from zero. DuckDB rounds a fraction in binary (`double`) after it has
    multiplied it by the power of ten; Spark would round its shortest decimal form, which can differ in the last
    place. The type is known as the statement is planned, so that only one branch is left to run.
#}
{% macro as_decimal(expression, precision, scale) -%}
    {{ adapter.dispatch("as_decimal")(expression, precision, scale) }}
{%- endmacro %}

{% macro default__as_decimal(expression, precision, scale) -%}
    cast({{ expression }} as decimal({{ precision }}, {{ scale }}))
{%- endmacro %}

{% macro spark__as_decimal(expression, precision, scale) -%}
    case
        when typeof({{ expression }}) = 'double'
            then cast(
                cast(round(cast({{ expression }} as double) * 1e{{ scale }}D) as bigint)
                * cast('1e-{{ scale }}' as decimal({{ [scale, 1] | max }}, {{ scale }}))
                as decimal({{ precision }}, {{ scale }})
            )
        else cast({{ expression }} as decimal({{ precision }}, {{ scale }}))
    end
{%- endmacro %}

{# The values of a group as one text, in their order, a space between them. #}
{% macro listed(expression) -%}
    {{ adapter.dispatch("listed")(expression) }}
{%- endmacro %}

{% macro default__listed(expression) -%}
    string_agg({{ expression }}, ' ' order by {{ expression }})
{%- endmacro %}

{% macro spark__listed(expression) -%}
    listagg({{ expression }}, ' ') within group (order by {{ expression }})
{%- endmacro %}
