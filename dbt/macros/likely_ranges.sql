{#
    Averages of replicates in whole numbers: a score in units of 1e-12, a score and its weight in one bigint
    (so that one addition adds both), lists in a stated order.
#}

{# A score in units of 1e-12, as many places as scores are kept with. #}
{% macro score_units(expression) -%}
    cast({{ expression }} * 1000000000000 as bigint)
{%- endmacro %}

{# Weighted score above, weight in the lower ten bits: 32 draws of weights up to 31 units fit. #}
{% macro packed(weighted_score, weight) -%}
    cast({{ weighted_score }} * 1024 + {{ weight }} as bigint)
{%- endmacro %}

{# The weighted mean of what was packed and added up, half-up to the unit. #}
{% macro average_of_packed(total) -%}
    ((2 * ({{ total }} >> 10) + ({{ total }} & 1023)) // (2 * ({{ total }} & 1023)))
{%- endmacro %}

{# An average at two places as a whole number, settled at ten places first like every average (half_up). #}
{% macro hundredths(units) -%}
    cast((({{ units }} + 50) // 100 + 50000000) // 100000000 as integer)
{%- endmacro %}

{# What a score has to exceed to lie beyond a cut-point: its own last ten units don't count (is_beyond). #}
{% macro beyond_units(cut_point_units) -%}
    ({{ cut_point_units }} + 10)
{%- endmacro %}

{# The number of draws as the generator takes it; fails where organisations have more scores than it draws. #}
{% macro drawable(draws) -%}
    case
        when {{ draws }} <= 32 then cast({{ draws }} as ubigint)
        else error('an organisation has more than 32 scores: raise most_blocks in replicate_average.sql')
    end
{%- endmacro %}

{# Segment, then average at two places (three digits), in one small number that orders as both do. #}
{% macro place_key(segment, average_hundredths) -%}
    cast({{ segment }} * 1000 + {{ average_hundredths }} as smallint)
{%- endmacro %}

{% macro segment_of_place(place) -%}
    cast({{ place }} // 1000 as integer)
{%- endmacro %}

{% macro hundredths_of_place(place) -%}
    cast({{ place }} % 1000 as integer)
{%- endmacro %}

{# One number for each variant, table and replicate. #}
{% macro ranked_together(is_requartiled, table_number, replicate) -%}
    (2 * {{ table_number }} + cast({{ is_requartiled }} as bigint)) * 4294967296 + {{ replicate }}
{%- endmacro %}

{# A group's values as a list, ordered by other expressions. #}
{% macro list_ordered_by(value, order) -%}
    list({{ value }} order by {{ order }})
{%- endmacro %}

{# The same list with every entry as often as it says. #}
{% macro list_with_repeats(value, times, order) -%}
    flatten(list(list_resize([]::bigint[], {{ times }}, {{ value }}) order by {{ order }}))
{%- endmacro %}

{#
    One more than the number of cut-points (a list) that an average lies beyond; against the publisher's own
    cut-points averages are compared at two places.
#}
{% macro segment_of(average_units, average_hundredths, threshold_basis, cut_points) -%}
    cast(1 + len(list_filter(
        {{ cut_points }},
        lambda cut_point: case
            when {{ threshold_basis }} = 'published' then {{ average_hundredths }} * 10000000000
            else {{ average_units }}
        end > cut_point
    )) as integer)
{%- endmacro %}

{# Linear ("inclusive") percentile of an ordered list of whole numbers, half-up. #}
{% macro percentile_of_list(ordered, quantile) -%}
    cast(
        {{ ordered }}[1 + cast(floor({{ quantile }} * (len({{ ordered }}) - 1)) as bigint)]
        + cast(
            {{ ordered }}[1 + cast(ceil({{ quantile }} * (len({{ ordered }}) - 1)) as bigint)]
            - {{ ordered }}[1 + cast(floor({{ quantile }} * (len({{ ordered }}) - 1)) as bigint)] as decimal(18, 0)
        ) * cast({{ quantile }} * (len({{ ordered }}) - 1) - floor({{ quantile }} * (len({{ ordered }}) - 1)) as decimal(7, 6))
        as bigint
    )
{%- endmacro %}

{# The value whose place in an ordered list is nearest to the percentile's, moved by a number of places. #}
{% macro nearest_of_list(ordered, quantile, places='0') -%}
    {{ ordered }}[greatest(1, least(
        len({{ ordered }}), 1 + cast(round({{ quantile }} * (len({{ ordered }}) - 1)) as bigint) + {{ places }}
    ))]
{%- endmacro %}

{#
    The distance between the values that lie one standard error of a percentile's own place (binomial) to
    either side of it: half of it is the percentile's Monte-Carlo error.
#}
{% macro spread_at_percentile(ordered, quantile) -%}
    {%- set places -%}
        cast(round(sqrt(len({{ ordered }}) * {{ quantile }} * (1 - {{ quantile }}))) as bigint)
    {%- endset -%}
    ({{ nearest_of_list(ordered, quantile, places) }} - {{ nearest_of_list(ordered, quantile, '-' ~ places) }})
{%- endmacro %}

{# An average in units as a score at two places, half-up. #}
{% macro units_at_two_places(units) -%}
    cast(cast({{ hundredths(units) }} as decimal(18, 2)) / 100 as decimal(18, 2))
{%- endmacro %}

{# Half of a distance in units, as a score at four places. #}
{% macro half_in_units(units) -%}
    cast(cast({{ units }} as decimal(18, 0)) / 2000000000000 as decimal(18, 4))
{%- endmacro %}

{# A number of pairs of replicates as a share of all pairs, at eight places. #}
{% macro share_of_pairs(pairs, replicates) -%}
    cast(cast({{ pairs }} as double) / (cast({{ replicates }} as double) * {{ replicates }}) as decimal(18, 8))
{%- endmacro %}

{# The cut-points, or none where the quarter has none: everybody is then in segment 1. #}
{% macro no_cut_points(cut_points) -%}
    coalesce({{ cut_points }}, []::bigint[])
{%- endmacro %}

{# A row for each entry of a list. #}
{% macro row_of_each(listed) -%}
    unnest({{ listed }})
{%- endmacro %}

{# In rows that carry how many replicates they reach up to: the first value that reaches a place. #}
{% macro first_from(value, up_to_place, place) -%}
    min(case when {{ up_to_place }} >= {{ place }} then {{ value }} end)
{%- endmacro %}
