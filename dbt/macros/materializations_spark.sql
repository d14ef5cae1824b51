-- noqa: disable=layout.indent
{#
    How models are built on Spark, in the fewest statements, as on DuckDB. A run builds in databases of its own, which
    start empty and are thrown away where anything fails; what it builds a second time there is dropped first, as Spark
    replaces no table of files.
#}

{# The rows of a seed, as a view of literals: rules are few, and Spark sees their values as it plans. #}
{% materialization seed, adapter="spark", supported_languages=["sql"] %}
    {%- set target_relation = this.incorporate(type="view") -%}
    {%- set types = config.get("column_types", {}) -%}
    {%- set rows = load_agate_table() -%}
    {#- what `dbt seed` reports -#}
    {%- do store_result("agate_table", response="OK", agate_table=rows) -%}
    {{ drop_unless(load_cached_relation(this), "view") }}
    {% call statement("main", auto_begin=False) -%}
        create or replace view {{ target_relation }} as
        select
        {%- for name in rows.column_names %}
            {%- set kind = types.get(name, adapter.convert_type(rows, loop.index0)) %}
            cast({{ name }} as {{ spark_type(kind) }}) as {{ name }}
            {%- if not loop.last %},{% endif %}
        {%- endfor %}
        from values
        {%- for row in rows.rows %}
            (
            {%- for value in row -%}
                {{ spark_text(value) }}{% if not loop.last %}, {% endif %}
            {%- endfor -%}
            ){% if not loop.last %},{% endif %}
        {%- endfor %}
        as seed ({{ rows.column_names | join(", ") }})
    {%- endcall %}
    {{ return({"relations": [target_relation]}) }}
{% endmaterialization %}

{# A table of files, in the format that the catalogue has. #}
{% materialization table, adapter="spark", supported_languages=["sql"] %}
    {%- set target_relation = this.incorporate(type="table") -%}
    {{ drop_if_there(load_cached_relation(this)) }}
    {% call statement("main", auto_begin=False) -%}
        create table {{ target_relation }} using {{ env_var("LEAGUE_SPARK_FORMAT", "parquet") }} as
        {{ compiled_code }}
    {%- endcall %}
    {{ return({"relations": [target_relation]}) }}
{% endmaterialization %}

{% materialization view, adapter="spark", supported_languages=["sql"] %}
    {%- set target_relation = this.incorporate(type="view") -%}
    {{ drop_unless(load_cached_relation(this), "view") }}
    {% call statement("main", auto_begin=False) -%}
        create or replace view {{ target_relation }} as
        {{ by_contract(compiled_code) if config.get("contract").enforced else compiled_code }}
    {%- endcall %}
    {{ return({"relations": [target_relation]}) }}
{% endmaterialization %}

{#
    A mart: the rows of the quarters in scope are a table beside it, `<mart>__in_scope`; the mart itself is a view of
    them and, where earlier releases are at hand (`<mart>__released`, which a run provides), of the other quarters.
#}
{% materialization incremental, adapter="spark", supported_languages=["sql"] %}
    {%- if not config.get("contract").enforced -%}
        {{ exceptions.raise_compiler_error("A mart needs an enforced contract, which says its columns") }}
    {%- endif -%}
    {%- set target_relation = this.incorporate(type="view") -%}
    {%- set in_scope = this.incorporate(path={"identifier": this.identifier ~ "__in_scope"}, type="table") -%}
    {%- set earlier = this.incorporate(path={"identifier": this.identifier ~ "__released"}) -%}
    {%- set released = load_cached_relation(earlier) -%}
    {{ drop_unless(load_cached_relation(this), "view") }}
    {{ drop_if_there(load_cached_relation(in_scope)) }}
    {% call statement("main", auto_begin=False) -%}
        create table {{ in_scope }} using {{ env_var("LEAGUE_SPARK_FORMAT", "parquet") }} as
        {{ by_contract(compiled_code) }}
    {%- endcall %}
    {% call statement("view", auto_begin=False) -%}
        create or replace view {{ target_relation }} as
        select {{ model.columns | join(", ") }} from {{ in_scope }}
        {%- if released is not none %}
        union all
        select {{ model.columns | join(", ") }} from {{ released }}
        where quarter not in (select quarter from {{ source("run", "quarter_in_scope") }})
        {%- endif %}
    {%- endcall %}
    {{ return({"relations": [target_relation, in_scope]}) }}
{% endmaterialization %}

{# The columns of a contract in its order and types, as an insertion into a table of them gives on DuckDB. #}
{% macro by_contract(sql) -%}
    select
    {%- for column in model.columns.values() %}
        cast({{ column.name }} as {{ spark_type(column.data_type) }}) as {{ column.name }}
        {%- if not loop.last %},{% endif %}
    {%- endfor %}
    from (
        {{ sql }}
    ) as built
{%- endmacro %}

{# Spark's name of a type that contracts and seeds name as DuckDB does. #}
{% macro spark_type(name) -%}
    {{ {"varchar": "string", "text": "string", "timestamp": "timestamp_ntz"}.get(name | lower, name) }}
{%- endmacro %}

{# A value of a seed's row as a literal of text: its column's type is given by a cast. #}
{% macro spark_text(value) -%}
    {%- if value is none -%} null
    {%- else -%} '{{ value | string | replace("\\", "\\\\") | replace("'", "\\'") }}'
    {%- endif -%}
{%- endmacro %}

{% macro drop_if_there(relation) -%}
    {%- if relation is not none -%}
        {%- do adapter.drop_relation(relation) -%}
    {%- endif -%}
{%- endmacro %}
