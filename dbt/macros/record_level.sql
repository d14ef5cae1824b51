{# What codes of patient-level rows look like, in functions that every engine has and that cost little per row. #}

{# Whether it can be a code that ODS gives: three, four, five or six letters and digits. #}
{% macro is_code(code) -%}
    (
        length({{ code }}) between 3 and 6
        and translate({{ code }}, 'ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789', '') = ''
    )
{%- endmacro %}

{# Whether it is a treatment function of the publisher's extract: C_ and three digits, or X and two of them. C_999 is the total. #}
{% macro is_treatment_function(code) -%}
    (
        (
            length({{ code }}) = 5
            and substr({{ code }}, 1, 2) = 'C_'
            and translate(substr({{ code }}, 3), '0123456789', '') = ''
            and {{ code }} <> 'C_999'
        )
        or (
            length({{ code }}) = 3
            and substr({{ code }}, 1, 1) = 'X'
            and translate(substr({{ code }}, 2), '0123456789', '') = ''
        )
    )
{%- endmacro %}
