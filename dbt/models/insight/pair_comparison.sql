-- Whether two organisations of a table can be told apart: how often one ranks, or scores, better than the
-- other. Resamples of different organisations are independent, so every replicate of the one is set against
-- every replicate of the other, by counting, not by drawing again.
with

quarter_in_scope as (

    select * from {{ source('run', 'quarter_in_scope') }}

),

replicate_outcome as (

    select * from {{ ref('replicate_outcome') }}
    where variant = 'fixed_cut_points'

),

likely_range_rule as (

    select * from {{ ref('likely_range_rule') }}

),

-- what is compared: the place in the table, or the average alone
placed as (

    select
        quarter,
        framework,
        table_name,
        organisation_code,
        replicates,
        'rank' as compared_by,
        {{ place_key('adjusted_segment', 'average_hundredths') }} as place_key,
        sum(times) as times
    from replicate_outcome
    group by
        quarter, framework, table_name, organisation_code, replicates, adjusted_segment, average_hundredths
    union all
    select
        quarter,
        framework,
        table_name,
        organisation_code,
        replicates,
        'score' as compared_by,
        {{ place_key('0', 'average_hundredths') }} as place_key,
        sum(times) as times
    from replicate_outcome
    group by quarter, framework, table_name, organisation_code, replicates, average_hundredths

),

table_key as (

    select distinct
        quarter,
        table_name,
        compared_by,
        place_key
    from placed

),

organisation as (

    select distinct
        quarter,
        table_name,
        organisation_code
    from placed

),

-- for every place that occurs in the table: how many replicates of an organisation are there, and how many
-- there or better
cumulated as (

    select
        organisation.quarter,
        organisation.table_name,
        organisation.organisation_code,
        table_key.compared_by,
        table_key.place_key,
        cast(coalesce(placed.times, 0) as bigint) as times,
        cast(sum(coalesce(placed.times, 0)) over (
            partition by
                organisation.quarter, organisation.table_name, organisation.organisation_code,
                table_key.compared_by
            order by table_key.place_key
            rows between unbounded preceding and current row
        ) as bigint) as times_up_to
    from organisation
    inner join table_key
        on
            organisation.quarter = table_key.quarter
            and organisation.table_name = table_key.table_name
    left join placed
        on
            organisation.quarter = placed.quarter
            and organisation.table_name = placed.table_name
            and organisation.organisation_code = placed.organisation_code
            and table_key.compared_by = placed.compared_by
            and table_key.place_key = placed.place_key

),

counted as (

    select
        placed.quarter,
        placed.framework,
        placed.table_name,
        placed.organisation_code,
        other.organisation_code as other_organisation_code,
        placed.compared_by,
        max(placed.replicates) as replicates,
        cast(sum(placed.times * (placed.replicates - other.times_up_to)) as bigint) as better,
        cast(sum(placed.times * other.times) as bigint) as equal
    from placed
    inner join cumulated as other
        on
            placed.quarter = other.quarter
            and placed.table_name = other.table_name
            and placed.compared_by = other.compared_by
            and placed.place_key = other.place_key
            and placed.organisation_code < other.organisation_code
    group by
        placed.quarter, placed.framework, placed.table_name, placed.organisation_code,
        other.organisation_code, placed.compared_by

),

with_the_rest as (

    select
        *,
        cast(replicates as bigint) * replicates - better - equal as worse
    from counted

),

pair as (

    select
        quarter,
        framework,
        table_name,
        organisation_code,
        other_organisation_code,
        compared_by,
        {{ share_of_pairs('better', 'replicates') }} as probability_better,
        {{ share_of_pairs('equal', 'replicates') }} as probability_equal,
        {{ share_of_pairs('worse', 'replicates') }} as probability_worse
    from with_the_rest

),

final as (

    select
        quarter_in_scope.quarter,
        quarter_in_scope.release_id,
        quarter_in_scope.is_sample,
        pair.table_name,
        pair.organisation_code,
        pair.other_organisation_code,
        {% for compared_by, verb in (('rank', 'ranks'), ('score', 'scores')) -%}
            {% for outcome in ('better', 'equal', 'worse') -%}
                max(
                    case when compared_by = '{{ compared_by }}' then probability_{{ outcome }} end
                ) as probability_{{ verb }}_{{ outcome }},
            {% endfor -%}
            max(
                case
                    when pair.compared_by = '{{ compared_by }}'
                        then greatest(pair.probability_better, pair.probability_worse)
                end
            ) >= max(likely_range_rule.told_apart_from) as told_apart_by_{{ compared_by }},
        {% endfor -%}
        max(likely_range_rule.told_apart_from) as told_apart_from
    from pair
    inner join quarter_in_scope
        on pair.quarter = quarter_in_scope.quarter
    inner join likely_range_rule
        on pair.framework = likely_range_rule.framework
    group by
        quarter_in_scope.quarter, quarter_in_scope.release_id, quarter_in_scope.is_sample,
        pair.table_name, pair.organisation_code, pair.other_organisation_code

)

select * from final
