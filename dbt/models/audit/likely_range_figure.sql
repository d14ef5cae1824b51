-- Reconciliation: the publisher's likely ranges beside ours. The publisher's draws aren't known, so an end
-- that lies further off than two sets of draws may is not computable, never different.
{{ config(materialized='view', schema='likely_ranges', contract={'enforced': false}) }}
with

likely_range_end as (

    select * from {{ source('drawn', 'likely_range_end') }}
    where variant = 'fixed_cut_points'

),

likely_range_rule as (

    select * from {{ ref('likely_range_rule') }}

),

published_figure as (

    select * from {{ ref('published_figure') }}

),

every_end as (

    {% for figure, column, tolerance in (
        ('OF5002.likely_low', 'average_low', 'published_average_tolerance'),
        ('OF5002.likely_high', 'average_high', 'published_average_tolerance'),
        ('OF5000.rank_likely_low', 'rank_low', 'published_rank_tolerance'),
        ('OF5000.rank_likely_high', 'rank_high', 'published_rank_tolerance'),
    ) -%}
        select
            likely_range_end.quarter,
            likely_range_end.table_name,
            likely_range_end.organisation_code,
            '{{ figure }}' as figure,
            cast(likely_range_end.{{ column }} as decimal(18, 6)) as computed,
            cast(likely_range_rule.{{ tolerance }} as decimal(18, 6)) as tolerance
        from likely_range_end
        inner join likely_range_rule
            on likely_range_end.framework = likely_range_rule.framework
        {% if not loop.last %}union all{% endif %}
    {% endfor %}
),

compared as (

    select
        every_end.quarter,
        every_end.table_name,
        every_end.organisation_code,
        every_end.figure,
        every_end.computed,
        every_end.tolerance,
        abs(every_end.computed - published_figure.value) <= every_end.tolerance as is_computable
    from every_end
    inner join published_figure
        on
            every_end.quarter = published_figure.quarter
            and every_end.table_name = published_figure.table_name
            and every_end.organisation_code = published_figure.organisation_code
            and every_end.figure = published_figure.figure
    where published_figure.value is not null

),

final as (

    select
        quarter,
        table_name,
        organisation_code,
        figure,
        computed,
        computed as computed_low,
        computed as computed_high,
        tolerance,
        is_computable,
        false as is_contradicted,
        case
            when is_computable then 'percentile of resampled metric scores'
            else 'the publisher''s random draws are not known: another set of draws ends elsewhere'
        end as reason
    from compared

)

select * from final
