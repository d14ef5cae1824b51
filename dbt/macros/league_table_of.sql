{# League-table rows of the quarters in scope: of all tables, or of one by itself. #}
{% macro league_table_of(table_name=none) %}
with

league_table as (

    select * from {{ ref('league_table') }}

),

quarter_in_scope as (

    select * from {{ source('run', 'quarter_in_scope') }}

),

final as (

    select
        league_table.quarter,
        league_table.release_id,
        league_table.is_sample,
        league_table.table_name,
        league_table.organisation_code,
        league_table.organisation_name,
        league_table.organisation_subtype,
        league_table.region,
        league_table.average_metric_score,
        league_table.average_metric_score_exact,
        league_table.metric_count,
        league_table.unadjusted_segment,
        league_table.financial_override,
        league_table.financial_override_basis,
        league_table.adjusted_segment,
        league_table.final_segment,
        league_table.rank,
        league_table.organisations_in_table,
        league_table.threshold_basis,
        league_table.framework,
        league_table.release_state,
        league_table.average_likely_low,
        league_table.average_likely_high,
        league_table.segment_likely_low,
        league_table.segment_likely_high,
        league_table.rank_likely_low,
        league_table.rank_likely_high
    from league_table
    inner join quarter_in_scope
        on league_table.quarter = quarter_in_scope.quarter
    {% if table_name is not none %}
        where league_table.table_name = '{{ table_name }}'
    {% endif %}

)

select * from final
{% endmacro %}
