{# What is kept of every release is replaced by release: one that is built again is there once. #}
{% macro delete_releases_in_scope() -%}
    {%- if is_incremental() -%}
        delete from {{ this }} where release_id in (select release_id from {{ source('run', 'quarter_in_scope') }})
    {%- endif -%}
{%- endmacro %}
