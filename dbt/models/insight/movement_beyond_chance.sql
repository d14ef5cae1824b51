-- Whether the move of an average, or of a rank, since the release before is more than chance, by the likely
-- ranges of both: beyond it where they don't meet, within it where either figure lies in the range of the
-- other, else unclear.
{{ config(materialized='view') }}
with

release_pair as (

    select * from {{ ref('release_pair') }}

),

league_table as (

    select * from {{ ref('league_table') }}

),

measured as (

    {% for measure, figure, low, high in [
        (
            'average_metric_score', 'average_metric_score_exact',
            'average_likely_low', 'average_likely_high',
        ),
        ('rank', 'rank', 'rank_likely_low', 'rank_likely_high'),
    ] -%}
        select
            quarter,
            release_id,
            table_name,
            organisation_code,
            '{{ measure }}' as measure,
            {{ exact(figure) }} as figure,
            cast({{ low }} as decimal(18, 2)) as likely_low,
            cast({{ high }} as decimal(18, 2)) as likely_high
        from league_table
        where {{ low }} is not null
        {% if not loop.last %}union all{% endif %}
    {% endfor %}
),

final as (

    select
        release_pair.quarter,
        release_pair.release_id,
        release_pair.is_sample,
        release_pair.quarter_before,
        release_pair.release_id_before,
        after.table_name,
        after.organisation_code,
        after.measure,
        before.figure as figure_before,
        before.likely_low as likely_low_before,
        before.likely_high as likely_high_before,
        after.figure as figure_after,
        after.likely_low as likely_low_after,
        after.likely_high as likely_high_after,
        {{ exact('after.figure - before.figure') }} as change,
        case
            when after.likely_low > before.likely_high or after.likely_high < before.likely_low
                then 'beyond_chance'
            when
                after.figure between before.likely_low and before.likely_high
                or before.figure between after.likely_low and after.likely_high
                then 'within_chance'
            else 'unclear'
        end as verdict
    from release_pair
    inner join measured as after
        on {{ same_release('release_pair', 'after') }}
    inner join measured as before
        on
            release_pair.quarter_before = before.quarter
            and release_pair.release_id_before = before.release_id
            and after.table_name = before.table_name
            and after.organisation_code = before.organisation_code
            and after.measure = before.measure

)

select * from final
