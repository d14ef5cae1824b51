-- Movement: each metric score as the earlier and as the later release has it, side by side; one row per
-- organisation and metric that either has. `rank_key` is the value turned so that lower is better.
{% set compared = [
    'value', 'unit', 'rule', 'pool', 'pool_size', 'rank_in_pool', 'standard_met', 'metric_score_exact',
    'score_entering_average', 'enters_average', 'weight_units', 'rank_key',
] %}
with

release_pair as (

    select * from {{ ref('release_pair') }}

),

metric_score as (

    select * from {{ ref('metric_score') }}

),

metric as (

    select * from {{ ref('metric_dimension') }}

),

weight_denominator as (

    select
        quarter,
        release_id,
        cast(cast(rule_value as decimal(18, 6)) as integer) as common_denominator
    from {{ ref('framework_rule') }}
    where rule_table = 'framework_parameter' and rule_key = 'weight_common_denominator'

),

released_score as (

    select
        metric_score.*,
        cast(
            metric.weight_numerator * weight_denominator.common_denominator / metric.weight_denominator
            as integer
        ) as weight_units,
        case when metric.better = 'high' then -metric_score.value else metric_score.value end as rank_key
    from metric_score
    inner join metric
        on
            {{ same_release('metric_score', 'metric') }}
            and metric_score.metric_id = metric.metric_id
    inner join weight_denominator
        on {{ same_release('metric_score', 'weight_denominator') }}

),

side as (

    {% for side in ('before', 'after') -%}
        select
            release_pair.quarter,
            release_pair.release_id,
            release_pair.release_id_before,
            '{{ side }}' as side,
            released_score.table_name,
            released_score.organisation_code,
            released_score.metric_id,
            {{ 'released_score.' ~ compared | join(', released_score.') }}
        from release_pair
        inner join released_score
            on
                {% if side == 'before' -%}
                    release_pair.quarter_before = released_score.quarter
                    and release_pair.release_id_before = released_score.release_id
                {%- else -%}
                    release_pair.quarter = released_score.quarter
                    and release_pair.release_id = released_score.release_id
                {%- endif %}
        {% if not loop.last %}union all{% endif %}
    {% endfor %}
),

final as (

    select
        quarter,
        release_id,
        release_id_before,
        table_name,
        organisation_code,
        metric_id,
        max(case when side = 'before' then 1 else 0 end) = 1 as is_before,
        max(case when side = 'after' then 1 else 0 end) = 1 as is_after,
        {% for column in compared -%}
            max(case when side = 'before' then {{ column }} end) as {{ column }}_before,
            max(case when side = 'after' then {{ column }} end) as {{ column }}_after
            {%- if not loop.last %},{% endif %}
        {% endfor %}
    from side
    group by quarter, release_id, release_id_before, table_name, organisation_code, metric_id

)

select * from final
