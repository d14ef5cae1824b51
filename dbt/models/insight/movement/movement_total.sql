-- How far each metric score, average, segment and rank moved since the release before, and what came or went.
{{ config(schema='league', materialized='view', contract={'enforced': true}) }}
with

release_pair as (

    select * from {{ ref('release_pair') }}

),

metric_score_pair as (

    select * from {{ ref('metric_score_pair') }}

),

league_table_pair as (

    select * from {{ ref('league_table_pair') }}

),

total as (

    select
        quarter,
        release_id,
        release_id_before,
        table_name,
        organisation_code,
        'metric_score' as measure,
        metric_id,
        metric_score_exact_before as figure_before,
        metric_score_exact_after as figure_after,
        is_before,
        is_after
    from metric_score_pair
    {% for measure, column in [
        ('average_metric_score', 'average_metric_score_exact'),
        ('adjusted_segment', 'adjusted_segment'),
        ('rank', 'rank'),
    ] -%}
        union all
        select
            quarter,
            release_id,
            release_id_before,
            table_name,
            organisation_code,
            '{{ measure }}' as measure,
            cast(null as string) as metric_id,
            {{ exact(column ~ '_before') }} as figure_before,
            {{ exact(column ~ '_after') }} as figure_after,
            is_before,
            is_after
        from league_table_pair
    {% endfor %}
),

final as (

    select
        release_pair.quarter,
        release_pair.release_id,
        release_pair.is_sample,
        release_pair.quarter_before,
        release_pair.release_id_before,
        total.table_name,
        total.organisation_code,
        total.measure,
        total.metric_id,
        total.figure_before,
        total.figure_after,
        {{ exact('total.figure_after - total.figure_before') }} as change,
        not total.is_before as is_in,
        not total.is_after as is_out
    from total
    inner join release_pair
        on {{ same_pair('total', 'release_pair') }}

)

select * from final
