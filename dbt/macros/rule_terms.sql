{# A rule's columns as one text: `rule=standard; standard=80; score_best=2`; a term without a value stays. #}
{% macro terms_of(columns) -%}
    {%- for column in columns -%}
        '{{ "" if loop.first else "; " }}{{ column }}=' || coalesce(cast({{ column }} as string), '')
        {%- if not loop.last %} || {% endif -%}
    {%- endfor -%}
{%- endmacro %}
