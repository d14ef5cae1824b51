{# The joins that models repeat: what makes two rows speak of the same thing, said once. #}

{# The same organisation in the same quarter; one stands in one league table. #}
{% macro same_organisation(one, other) -%}
    {{ one }}.quarter = {{ other }}.quarter
    and {{ one }}.table_name = {{ other }}.table_name
    and {{ one }}.organisation_code = {{ other }}.organisation_code
{%- endmacro %}

{# The same metric of the same organisation in the same quarter. #}
{% macro same_metric_of_organisation(one, other) -%}
    {{ same_organisation(one, other) }}
    and {{ one }}.metric_id = {{ other }}.metric_id
{%- endmacro %}

{# The same metric of the same organisation in the same quarter, whichever table it stands in. #}
{% macro same_metric_of_code(one, other) -%}
    {{ one }}.quarter = {{ other }}.quarter
    and {{ one }}.organisation_code = {{ other }}.organisation_code
    and {{ one }}.metric_id = {{ other }}.metric_id
{%- endmacro %}

{# The same metric of the same framework. #}
{% macro same_metric(one, other) -%}
    {{ one }}.framework = {{ other }}.framework
    and {{ one }}.metric_id = {{ other }}.metric_id
{%- endmacro %}

{# The same metric of the same framework in the same unit: a rule of it. #}
{% macro same_metric_and_unit(one, other) -%}
    {{ same_metric(one, other) }}
    and {{ one }}.unit = {{ other }}.unit
{%- endmacro %}

{# The same pool of the same metric in the same quarter: those that are ranked together. #}
{% macro same_pool(one, other) -%}
    {{ one }}.quarter = {{ other }}.quarter
    and {{ one }}.metric_id = {{ other }}.metric_id
    and {{ one }}.unit = {{ other }}.unit
    and {{ one }}.pool = {{ other }}.pool
{%- endmacro %}

{# The same average or domain score of the same quarter: those that are cut into segments together. #}
{% macro same_score_figure(one, other) -%}
    {{ one }}.quarter = {{ other }}.quarter
    and {{ one }}.score_figure = {{ other }}.score_figure
{%- endmacro %}

{# The same segment of the same average or domain score. #}
{% macro same_segment_of_figure(one, other) -%}
    {{ same_score_figure(one, other) }}
    and {{ one }}.segment = {{ other }}.segment
{%- endmacro %}

{# The same release of the same quarter. #}
{% macro same_release(one, other) -%}
    {{ one }}.quarter = {{ other }}.quarter
    and {{ one }}.release_id = {{ other }}.release_id
{%- endmacro %}

{# Both rows belong to the same pair of releases. #}
{% macro same_pair(one, other) -%}
    {{ same_release(one, other) }}
    and {{ one }}.release_id_before = {{ other }}.release_id_before
{%- endmacro %}

{# The same organisation in the same pair of releases. #}
{% macro same_organisation_of_pair(one, other) -%}
    {{ same_pair(one, other) }}
    and {{ one }}.table_name = {{ other }}.table_name
    and {{ one }}.organisation_code = {{ other }}.organisation_code
{%- endmacro %}

{# The same metric of the same organisation in the same pair of releases. #}
{% macro same_metric_of_pair(one, other) -%}
    {{ same_organisation_of_pair(one, other) }}
    and {{ one }}.metric_id = {{ other }}.metric_id
{%- endmacro %}

{# The same comparison of a sensitivity: those who are cut into segments together under one choice. #}
{% macro same_comparison(one, other) -%}
    {{ one }}.quarter = {{ other }}.quarter
    and {{ one }}.choice = {{ other }}.choice
    and {{ one }}.subject = {{ other }}.subject
    and {{ one }}.compared_with = {{ other }}.compared_with
{%- endmacro %}
