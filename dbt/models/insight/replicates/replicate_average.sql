-- Likely ranges, step 2: each organisation's average in each replicate, its scores drawn with replacement, as
-- many as it has; and the segment that the quarter's own cut-points give it. A view: 10,000 rows an
-- organisation are quicker drawn than kept. Slices of the replicates are drawn side by side.
{{ config(materialized='view') }}
{% set slices = 2 %}
{% set most_blocks = 4 %}
with

resampled_organisation as (

    select * from {{ ref('resampled_organisation') }}

),

{% for blocks in range(1, most_blocks + 1) -%}
{% for slice in range(slices) -%}
replicate_{{ blocks }}_{{ slice }} as (

    select
        *,
        {{ every_nth('replicates', slice, slices) }} as replicate,
        cast(0 as bigint) as drawn
    from resampled_organisation
    where ceil(draws / {{ draws_in_block() }}) = {{ blocks }}

),

{% endfor -%}
{% endfor -%}
drawn as (

    {% for blocks in range(1, most_blocks + 1) -%}
    {% set outer = loop -%}
    {% for slice in range(slices) -%}
        select * from {{ draw_blocks('replicate_' ~ blocks ~ '_' ~ slice, blocks) }}
        {% if not (loop.last and outer.last) %}union all{% endif %}
    {% endfor %}
    {% endfor %}
),

averaged as (

    select
        *,
        {{ average_of_packed('drawn') }} as average_units
    from drawn

),

rounded as (

    select
        *,
        {{ hundredths('average_units') }} as average_hundredths
    from averaged

),

final as (

    select
        organisation_number,
        table_number,
        quarter_number,
        threshold_basis = 'national_quartiles' as is_nationally_placed,
        cast(replicate as integer) as replicate,
        average_units,
        average_hundredths,
        {{ segment_of('average_units', 'average_hundredths', 'threshold_basis', 'cut_points') }}
            as unadjusted_segment,
        cast(best_segment as integer) as best_segment
    from rounded

)

select * from final
