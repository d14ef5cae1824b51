{# Rules that scoring, movement and sensitivity apply alike. #}

{# A value lies in a band, whose ends are open where they are null. #}
{% macro lies_in_band(value, band) -%}
    (
        {{ band }}.lower_bound is null
        or {{ value }} > {{ band }}.lower_bound
        or ({{ band }}.lower_inclusive and {{ value }} = {{ band }}.lower_bound)
    )
    and (
        {{ band }}.upper_bound is null
        or {{ value }} < {{ band }}.upper_bound
        or ({{ band }}.upper_inclusive and {{ value }} = {{ band }}.upper_bound)
    )
{%- endmacro %}

{#
    One more than the number of cut-points, a row each, that an average lies beyond. Against national quartiles or
    thresholds exact averages are compared; against the publisher's own cut-points, printed ones.
#}
{% macro segment_among(average_exact, average, cut_point) -%}
    cast(1 + sum(
        case
            when {{ cut_point }}.cut_point is null then 0
            when
                {{ cut_point }}.threshold_basis = 'published'
                and {{ average }} > {{ cut_point }}.cut_point then 1
            when
                {{ cut_point }}.threshold_basis <> 'published'
                and {{ is_beyond(average_exact, cut_point ~ '.cut_point') }} then 1
            else 0
        end
    ) as integer)
{%- endmacro %}
