-- noqa: disable=layout.indent
{#
    How models are built, in the fewest statements. A run builds in a candidate that is thrown away where anything
    fails, so that dbt-duckdb's own ways, which build beside a relation, rename twice and drop, protect nobody here and
    cost more than most models. Hooks are run for marts only (those of their folder delete nothing of a view or table).
#}

{# A table, in one statement that stands in its place at once. #}
{% materialization table, adapter="duckdb", supported_languages=["sql"] %}
    {%- set target_relation = this.incorporate(type="table") -%}
    {{ drop_unless(load_cached_relation(this), "table") }}
    {% call statement("main", auto_begin=False) -%}
        create or replace table {{ target_relation }} as (
            {{ compiled_code }}
        )
    {%- endcall %}
    {{ return({"relations": [target_relation]}) }}
{% endmaterialization %}

{# A view; dbt checks its contract. #}
{% materialization view, adapter="duckdb", supported_languages=["sql"] %}
    {%- set target_relation = this.incorporate(type="view") -%}
    {{ drop_unless(load_cached_relation(this), "view") }}
    {%- if config.get("contract").enforced -%}
        {{ get_assert_columns_equivalent(compiled_code) }}
    {%- endif -%}
    {% call statement("main", auto_begin=False) -%}
        create or replace view {{ target_relation }} as (
            {{ compiled_code }}
        )
    {%- endcall %}
    {{ return({"relations": [target_relation]}) }}
{% endmaterialization %}

{#
    A mart: created once, then what is in scope is deleted (by its hook) and inserted, in one transaction. dbt checks
    its contract; that the table follows the contract is seen to before a run builds (mart_columns.py).
#}
{% materialization incremental, adapter="duckdb", supported_languages=["sql"] %}
    {%- if not config.get("contract").enforced -%}
        {{ exceptions.raise_compiler_error("A mart needs an enforced contract, which says its columns") }}
    {%- endif -%}
    {%- set existing_relation = load_cached_relation(this) -%}
    {%- set target_relation = this.incorporate(type="table") -%}
    {{ drop_unless(existing_relation, "table") }}
    {{ run_hooks(pre_hooks, inside_transaction=True) }}
    {% call statement("main") -%}
        {%- if existing_relation is none or not existing_relation.is_table or should_full_refresh() -%}
            {%- if existing_relation is not none and existing_relation.is_table %}
                drop table {{ target_relation }};
            {% endif -%}
            {{ create_table_as(False, target_relation, compiled_code) }}
        {%- else -%}
            {{ get_assert_columns_equivalent(compiled_code) }}
            insert into {{ target_relation }} {{ get_column_names() }} (
                {{ get_select_subquery(compiled_code) }}
            )
        {%- endif -%}
    {%- endcall %}
    {% do adapter.commit() %}
    {{ return({"relations": [target_relation]}) }}
{% endmaterialization %}

{# Takes away a relation of another kind that stands in the place, as in a warehouse of an older version. #}
{% macro drop_unless(relation, kind) -%}
    {%- if relation is not none and relation.type != kind -%}
        {%- do adapter.drop_relation(relation) -%}
    {%- endif -%}
{%- endmacro %}
