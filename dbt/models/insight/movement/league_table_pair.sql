-- Movement: each organisation's average, segment and rank in the earlier and in the later release, side by
-- side; one row per organisation and table that either has. Who changes table is out of one, in the other.
{% set compared = [
    'average_metric_score', 'average_metric_score_exact', 'financial_override', 'adjusted_segment', 'rank',
] %}
with

release_pair as (

    select * from {{ ref('release_pair') }}

),

league_table as (

    select * from {{ ref('league_table') }}

),

side as (

    {% for side in ('before', 'after') -%}
        select
            release_pair.quarter,
            release_pair.release_id,
            release_pair.release_id_before,
            '{{ side }}' as side,
            league_table.table_name,
            league_table.organisation_code,
            {{ 'league_table.' ~ compared | join(', league_table.') }}
        from release_pair
        inner join league_table
            on
                {% if side == 'before' -%}
                    release_pair.quarter_before = league_table.quarter
                    and release_pair.release_id_before = league_table.release_id
                {%- else -%}
                    release_pair.quarter = league_table.quarter
                    and release_pair.release_id = league_table.release_id
                {%- endif %}
        {% if not loop.last %}union all{% endif %}
    {% endfor %}
),

final as (

    select
        quarter,
        release_id,
        release_id_before,
        table_name,
        organisation_code,
        max(case when side = 'before' then 1 else 0 end) = 1 as is_before,
        max(case when side = 'after' then 1 else 0 end) = 1 as is_after,
        {% for column in compared -%}
            max(case when side = 'before' then {{ column }} end) as {{ column }}_before,
            max(case when side = 'after' then {{ column }} end) as {{ column }}_after
            {%- if not loop.last %},{% endif %}
        {% endfor %}
    from side
    group by quarter, release_id, release_id_before, table_name, organisation_code

)

select * from final
