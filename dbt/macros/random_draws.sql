{#
    Random draws in whole numbers: a pure function of key and counter, so that no order of rows, number of
    threads or machine can change them. Philox 2x32 with ten rounds (Salmon et al. 2011, "Parallel random
    numbers: as easy as 1, 2, 3"), in 64-bit integers that never overflow; dbt/tests holds its known answers.
#}

{# The largest 32-bit word, with which `bits &` keeps the lower half of a product. #}
{% macro word_mask() -%} 4294967295::ubigint {%- endmacro %}

{#
    Ten rounds over a relation whose columns `word_1` and `word_2` hold the counter and `stream_key` the key,
    each a 32-bit word in a ubigint; gives the relation back with two random words in their place.
#}
{% macro philox(relation) -%}
    {%- set shuffled = namespace(relation=relation) -%}
    {%- for round in range(10) -%}
        {%- set round_key = "((stream_key + " ~ (round * 2654435769) % 4294967296 ~ "::ubigint) & " ~ word_mask() ~ ")" -%}
        {%- set product = "word_1 * 3528905107::ubigint" -%}
        {%- set shuffled.relation -%}
            (select * replace (
                xor(xor(({{ product }}) >> 32, word_2), {{ round_key }}) as word_1,
                ({{ product }}) & {{ word_mask() }} as word_2
            ) from {{ shuffled.relation }})
        {%- endset -%}
    {%- endfor -%}
    {{ shuffled.relation }}
{%- endmacro %}

{# Draws in one block: a 32-bit word gives four digits in base `choice_count`, and a block has two words. #}
{% macro draws_in_block() -%} 8 {%- endmacro %}

{#
    Draws with replacement, `blocks` blocks of eight for each row of a relation with the columns `stream_key`
    and `stream` (ubigint), `replicate` (ubigint), `choices` (list of bigint), `choice_count` and `draws`
    (ubigint): adds up the choices drawn into the relation's column `drawn` (bigint). A digit's chance is off
    by choice_count^4 in 2^32 at most, some 0.00003 for 19 scores.
#}
{% macro draw_blocks(relation, blocks) -%}
    {%- set drawing = namespace(relation=relation) -%}
    {%- for block in range(blocks) -%}
        {%- set counter -%}
            (select *, replicate as word_1, stream * 8::ubigint + {{ block }}::ubigint as word_2 from {{ drawing.relation }})
        {%- endset -%}
        {%- set drawing.relation = philox(counter) -%}
        {%- for digit in range(4) -%}
            {%- set first = block * draws_in_block() | int + digit * 2 -%}
            {%- set drawing.relation -%}
                (select * replace (
                    drawn
                    + case when draws > {{ first }} then choices[1 + (word_1 >> 32)::bigint] else 0 end
                    + case when draws > {{ first + 1 }} then choices[1 + (word_2 >> 32)::bigint] else 0 end as drawn,
                    word_1 & {{ word_mask() }} as word_1,
                    word_2 & {{ word_mask() }} as word_2
                ) from (select * replace (word_1 * choice_count as word_1, word_2 * choice_count as word_2)
                    from {{ drawing.relation }}))
            {%- endset -%}
        {%- endfor -%}
        {%- set drawing.relation -%} (select * exclude (word_1, word_2) from {{ drawing.relation }}) {%- endset -%}
    {%- endfor -%}
    {{ drawing.relation }}
{%- endmacro %}

{# A text as a 32-bit word: FNV-1a over its characters. #}
{% macro text_word(expression) -%}
    list_reduce(
        list_transform(string_split({{ expression }}, ''), lambda letter: unicode(letter)::ubigint),
        lambda word, letter: (xor(word, letter) * 16777619::ubigint) & {{ word_mask() }},
        2166136261::ubigint
    )
{%- endmacro %}

{#
    An organisation's code as a number below 2^29: its characters are the digits of a number in base 37, so
    that codes of up to five characters never share one.
#}
{% macro code_number(expression) -%}
    list_reduce(
        list_transform(
            string_split({{ expression }}, ''),
            lambda letter: strpos('0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ', letter)::ubigint
        ),
        lambda number, digit: (number * 37::ubigint + digit) & 536870911::ubigint,
        0::ubigint
    )
{%- endmacro %}

{# One row for every nth number below a limit, from `first` on, as counter words. #}
{% macro every_nth(limit, first, nth) -%}
    cast(unnest(range({{ first }}, {{ limit }}, {{ nth }})) as ubigint)
{%- endmacro %}
