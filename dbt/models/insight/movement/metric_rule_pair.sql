-- Movement: the rule that each metric and unit is scored by in the later release, and whether it is another
-- one than in the earlier. A weight and the rounding at which a score enters averages are no part of it.
with

release_pair as (

    select * from {{ ref('release_pair') }}

),

framework_rule as (

    select * from {{ ref('framework_rule') }}

),

rule_row as (

    {% for side in ('before', 'after') -%}
        select
            release_pair.quarter,
            release_pair.release_id,
            release_pair.release_id_before,
            '{{ side }}' as side,
            framework_rule.rule_table,
            framework_rule.rule_key,
            framework_rule.rule_value,
            framework_rule.rule_terms,
            {{ rule_term('framework_rule.rule_terms', 'metric_id') }} as metric_id,
            {{ rule_term('framework_rule.rule_terms', 'unit') }} as unit
        from release_pair
        inner join framework_rule
            on
                {% if side == 'before' -%}
                    release_pair.quarter_before = framework_rule.quarter
                    and release_pair.release_id_before = framework_rule.release_id
                {%- else -%}
                    release_pair.quarter = framework_rule.quarter
                    and release_pair.release_id = framework_rule.release_id
                {%- endif %}
        where
            framework_rule.rule_table in (
                'metric', 'metric_rule', 'rule_band', 'combined_finance', 'matrix_input', 'enters_at_dp'
            )
        {% if not loop.last %}union all{% endif %}
    {% endfor %}
),

metric_rule as (

    select
        quarter,
        release_id,
        release_id_before,
        metric_id,
        unit,
        {{ rule_term('rule_terms', 'rule') }} as rule,
        cast({{ rule_term('rule_terms', 'standard') }} as decimal(18, 6)) as standard,
        cast({{ rule_term('rule_terms', 'score_best') }} as integer) as score_best,
        cast({{ rule_term('rule_terms', 'score_worst') }} as integer) as score_worst,
        cast({{ rule_term('rule_terms', 'score_if_met') }} as integer) as score_if_met,
        cast({{ rule_term('rule_terms', 'score_if_failed') }} as integer) as score_if_failed
    from rule_row
    where side = 'after' and rule_table = 'metric_rule'

),

direction as (

    select
        quarter,
        release_id,
        release_id_before,
        metric_id,
        {{ rule_term('rule_terms', 'better') }} as better
    from rule_row
    where side = 'after' and rule_table = 'metric'

),

entering as (

    select
        quarter,
        release_id,
        release_id_before,
        metric_id,
        cast(rule_value as integer) as enters_at_dp
    from rule_row
    where side = 'after' and rule_table = 'enters_at_dp' and rule_key = quarter || ' ' || metric_id

),

-- what decides a score, as one text per row of rules; the matrix belongs to the metrics that it scores
deciding as (

    select
        quarter,
        release_id,
        release_id_before,
        side,
        rule_table,
        metric_id,
        unit,
        rule_terms as terms
    from rule_row
    where rule_table in ('metric_rule', 'rule_band', 'combined_finance', 'matrix_input')
    union all
    select
        quarter,
        release_id,
        release_id_before,
        side,
        rule_table,
        metric_id,
        cast(null as string) as unit,
        {{ rule_term('rule_terms', 'better') }} as terms
    from rule_row
    where rule_table = 'metric'

),

changed_row as (

    select
        quarter,
        release_id,
        release_id_before,
        rule_table,
        metric_id,
        unit
    from deciding
    group by quarter, release_id, release_id_before, rule_table, metric_id, unit, terms
    having count(distinct side) = 1

),

own_change as (

    select
        metric_rule.quarter,
        metric_rule.release_id,
        metric_rule.release_id_before,
        metric_rule.metric_id,
        metric_rule.unit,
        count(changed_row.rule_table) as changes
    from metric_rule
    left join changed_row
        on
            {{ same_pair('metric_rule', 'changed_row') }}
            and (
                (changed_row.rule_table = 'combined_finance' and metric_rule.rule = 'matrix')
                or (
                    metric_rule.metric_id = changed_row.metric_id
                    and coalesce(changed_row.unit, metric_rule.unit) = metric_rule.unit
                )
            )
    group by
        metric_rule.quarter,
        metric_rule.release_id,
        metric_rule.release_id_before,
        metric_rule.metric_id,
        metric_rule.unit

),

matrix_input as (

    select
        quarter,
        release_id,
        release_id_before,
        metric_id,
        {{ rule_term('rule_terms', 'input_metric_id') }} as input_metric_id
    from rule_row
    where side = 'after' and rule_table = 'matrix_input'

),

input_change as (

    select
        matrix_input.quarter,
        matrix_input.release_id,
        matrix_input.release_id_before,
        matrix_input.metric_id,
        sum(own_change.changes) as changes
    from matrix_input
    inner join own_change
        on
            {{ same_pair('matrix_input', 'own_change') }}
            and matrix_input.input_metric_id = own_change.metric_id
    group by
        matrix_input.quarter, matrix_input.release_id, matrix_input.release_id_before, matrix_input.metric_id

),

final as (

    select
        metric_rule.quarter,
        metric_rule.release_id,
        metric_rule.release_id_before,
        metric_rule.metric_id,
        metric_rule.unit,
        metric_rule.rule,
        direction.better,
        case
            when direction.better = 'high' then -metric_rule.standard
            else metric_rule.standard
        end as standard_key,
        metric_rule.score_best,
        metric_rule.score_worst,
        metric_rule.score_if_met,
        metric_rule.score_if_failed,
        entering.enters_at_dp,
        own_change.changes + coalesce(input_change.changes, 0) > 0 as is_rule_changed
    from metric_rule
    inner join direction
        on
            {{ same_pair('metric_rule', 'direction') }}
            and metric_rule.metric_id = direction.metric_id
    inner join own_change
        on
            {{ same_pair('metric_rule', 'own_change') }}
            and metric_rule.metric_id = own_change.metric_id
            and metric_rule.unit = own_change.unit
    left join input_change
        on
            {{ same_pair('metric_rule', 'input_change') }}
            and metric_rule.metric_id = input_change.metric_id
    left join entering
        on
            {{ same_pair('metric_rule', 'entering') }}
            and metric_rule.metric_id = entering.metric_id

)

select * from final
