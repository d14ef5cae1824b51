-- Philox 2x32-10 gives the words that its authors publish (Random123, kat_vectors), and FNV-1a those of its
-- authors: a changed constant or operator would change every likely range.
with

answer (word_1, word_2, stream_key, expected_1, expected_2) as (

    values
    (0, 0, 0, 4280135257, 1825639922),
    (4294967295, 4294967295, 4294967295, 742351499, 2874136493),
    (608135816, 2242054355, 320440878, 3715948600, 4129967122)

),

counter as (

    select
        cast(word_1 as ubigint) as word_1,
        cast(word_2 as ubigint) as word_2,
        cast(stream_key as ubigint) as stream_key,
        expected_1,
        expected_2
    from answer

),

shuffled as (

    select * from {{ philox('counter') }}

),

spelling (spelt, expected) as (

    values
    ('a', 3826002220),
    ('foobar', 3214735720)

),

worded as (

    select
        spelt,
        expected,
        {{ text_word('spelt') }} as word -- noqa: PRS
    from spelling

)

select 'philox' as generator
from shuffled
where word_1 <> expected_1 or word_2 <> expected_2
union all
select 'fnv-1a' as generator
from worded
where word <> expected
