{# Exact arithmetic: integers and decimals in, decimals out, one half-up rounding (methodology 2.1). #}

{# A score or an average with all the digits that are kept. #}
{% macro exact(expression) -%}
    {{ as_decimal(expression, 18, 12) }}
{%- endmacro %}

{# score = lo + (hi - lo) * (r - 1) / (N - 1), one division of integers; a trust alone scores lo. #}
{% macro grid_score(score_best, score_worst, pool_rank, pool_size) -%}
    {{ exact(
        "case when " ~ pool_size ~ " <= 1 then " ~ score_best
        ~ " else " ~ score_best ~ " + cast((" ~ score_worst ~ " - " ~ score_best ~ ") * ("
        ~ pool_rank ~ " - 1) as double) / (" ~ pool_size ~ " - 1) end"
    ) }}
{%- endmacro %}

{#
    Decimal places of published scores. Types of columns are fixed before any rule is read, so it stands here; a
    test holds the parameter `published_score_dp` of every framework to it.
#}
{% macro published_score_dp() -%} 2 {%- endmacro %}

{# Half a unit of the last published place. #}
{% macro half_a_published_unit() -%}
    {%- set dp = published_score_dp() | int -%}
    {{ "%.*f" | format(dp + 1, 0.5 / 10 ** dp) }}
{%- endmacro %}

{# The weighted mean of the scores that enter an average, one division. #}
{% macro weighted_mean(score, weight) -%}
    {{ exact("cast(sum(" ~ score ~ " * " ~ weight ~ ") as double) / sum(" ~ weight ~ ")") }}
{%- endmacro %}

{#
    Half-up to `dp` places, those of published scores where none are given. An average of thirds and of ranks can lie exactly on a half that twelve
    places show as ...4999999999, so the tenth place is settled first.
#}
{% macro half_up(expression, dp=none) -%}
    {%- set dp = published_score_dp() | int if dp is none else dp -%}
    cast(round(round({{ exact(expression) }}, 10), {{ dp }}) as decimal(18, {{ dp }}))
{%- endmacro %}

{#
    Whether an average lies beyond another number. Equal means of thirds and of ranks can differ in the
    twelfth place, so what is within ten units of it counts as equal.
#}
{% macro is_beyond(average, other) -%}
    {{ average }} - {{ other }} > 0.00000000001
{%- endmacro %}

{# The rank whose score prints as `published_score`: r = 1 + round((published - lo)(N - 1) / (hi - lo)). #}
{% macro grid_rank(score_best, score_worst, published_score, pool_size) -%}
    (1 + cast(round(
        cast(({{ published_score }} - {{ score_best }}) * ({{ pool_size }} - 1) as double)
        / ({{ score_worst }} - {{ score_best }})
    ) as integer))
{%- endmacro %}

{# Half-up to a number of places that stands in a column; null places leave the score as it is. #}
{% macro half_up_to(expression, dp_column) -%}
    case
        when {{ dp_column }} is null then {{ exact(expression) }}
        else {{ exact(
            "cast(round(round(" ~ exact(expression) ~ ", 10) * cast(power(10, " ~ dp_column
            ~ ") as integer), 0) as double) / power(10, " ~ dp_column ~ ")"
        ) }}
    end
{%- endmacro %}

{#
    Linear ("inclusive") percentile of a group whose rows carry their 1-based `place` and the number of
    `rows`: place quantile * (n - 1) between two neighbours, in decimals, rounded half-up to `dp` places.
#}
{% macro linear_percentile(value, place, rows, quantile, dp=none) -%}
    {%- set dp = published_score_dp() | int if dp is none else dp -%}
    cast(round(
        max(case when {{ place }} - 1 = floor({{ quantile }} * ({{ rows }} - 1)) then {{ value }} end)
        + (
            max(case when {{ place }} - 1 = ceil({{ quantile }} * ({{ rows }} - 1)) then {{ value }} end)
            - max(case when {{ place }} - 1 = floor({{ quantile }} * ({{ rows }} - 1)) then {{ value }} end)
        ) * cast(
            max({{ quantile }} * ({{ rows }} - 1) - floor({{ quantile }} * ({{ rows }} - 1))) as decimal(7, 6)
        ), {{ dp }}
    ) as decimal(18, {{ dp }}))
{%- endmacro %}

{#
    The first and the last rank whose score prints as `published_score`: scores from half a
    unit of the last place below it (included) to half a unit above (excluded).
#}
{% macro first_rank_printing(score_best, score_worst, published_score, pool_size) -%}
    (1 + cast(ceil(
        cast(({{ published_score }} - {{ half_a_published_unit() }} - {{ score_best }}) * ({{ pool_size }} - 1) as double)
        / ({{ score_worst }} - {{ score_best }})
    ) as integer))
{%- endmacro %}

{% macro last_rank_printing(score_best, score_worst, published_score, pool_size) -%}
    cast(ceil(
        cast(({{ published_score }} + {{ half_a_published_unit() }} - {{ score_best }}) * ({{ pool_size }} - 1) as double)
        / ({{ score_worst }} - {{ score_best }})
    ) as integer)
{%- endmacro %}

{# A score in units of 1e-12, as many places as scores are kept with. #}
{% macro score_units(expression) -%}
    cast({{ expression }} * 1000000000000 as bigint)
{%- endmacro %}
