{#
    Marts are replaced quarter by quarter: what is in scope goes first, so that an empty result also
    replaces.
#}
{% macro delete_quarters_in_scope() -%}
    {%- if is_incremental() -%}
        delete from {{ this }} where quarter in (select quarter from {{ source('run', 'quarter_in_scope') }})
    {%- endif -%}
{%- endmacro %}
