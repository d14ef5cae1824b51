-- Every rule of the quarter's framework in one long table, each with its state and source. `rule_terms` holds
-- all of a rule's terms, so that a release can be recomputed from itself and the raw files alone.
{% set rule_tables = {
    'framework': ['framework'],
    'domain': ['domain'],
    'metric': ['metric_id'],
    'metric_applicability': ['metric_id', 'table_name'],
    'metric_rule': ['metric_id', 'unit'],
    'metric_pool': ['metric_id', 'table_name'],
    'rule_band': ['metric_id', 'unit', 'score'],
    'combined_finance': ['planned_score', 'variance_score'],
    'matrix_input': ['metric_id', 'axis'],
    'enters_at_dp': ['quarter', 'metric_id'],
    'average_tolerance': ['quarter', 'table_name'],
    'segment_boundary': ['applies_to', 'segment'],
    'expected_organisations': ['table_name', 'from_quarter'],
    'framework_parameter': ['parameter'],
    'metric_statistic': ['metric_id', 'source'],
    'metric_statistic_measure': ['metric_id', 'part', 'measure'],
    'known_difference': ['metric_id', 'reason'],
    'insight_parameter': ['parameter'],
    'policy': ['policy'],
    'likely_range_parameter': ['parameter'],
} %}
{% set rule_value = {
    'framework': 'segmentation_method',
    'domain': 'domain_name',
    'metric': "better || ', ' || unit || ', weight ' || cast(weight_numerator as string) || '/'
            || cast(weight_denominator as string)",
    'metric_applicability': "case when required then 'required' else 'where the service is provided' end",
    'metric_rule': "rule || coalesce(' ' || cast(standard as string), '')
            || coalesce(', ' || cast(score_best as string) || ' to ' || cast(score_worst as string), '')",
    'metric_pool': 'pool',
    'rule_band': "coalesce(
                band_label,
                coalesce(cast(lower_bound as string), '') || ' to ' || coalesce(cast(upper_bound as string), '')
            )",
    'combined_finance': 'cast(combined_score as string)',
    'matrix_input': 'input_metric_id',
    'enters_at_dp': 'cast(enters_at_dp as string)',
    'average_tolerance': 'cast(tolerance as string)',
    'segment_boundary': 'coalesce(cast(quantile as string), cast(threshold as string))',
    'expected_organisations': 'cast(organisations as string)',
    'framework_parameter': 'cast(value as string)',
    'metric_statistic': "cast(multiplier as string) || ' * numerator / (' || cast(divisor as string)
            || ' * denominator), ' || covers",
    'metric_statistic_measure': 'cast(sign as string)',
    'known_difference': "direction || ', up to ' || cast(largest as string) || ', for a share of up to '
            || cast(largest_share as string)",
    'insight_parameter': 'cast(value as string)',
    'policy': "coalesce('segments ' || segments || ': ', '') || rule",
    'likely_range_parameter': 'coalesce(cast(number as string), choice)',
} %}
{% set rule_terms = {
    'framework': ['from_quarter', 'to_quarter', 'segmentation_method', 'sample_only'],
    'domain': ['domain', 'domain_name', 'score_figure', 'segment_figure'],
    'metric': [
        'metric_id', 'metric_name', 'domain', 'better', 'unit', 'value_dp', 'period', 'published_rank_of',
        'score_only', 'enters_average', 'weight_numerator', 'weight_denominator',
    ],
    'metric_applicability': ['metric_id', 'table_name', 'required'],
    'metric_rule': [
        'metric_id', 'unit', 'rule', 'standard', 'score_best', 'score_worst', 'score_if_met', 'score_if_failed',
    ],
    'metric_pool': ['metric_id', 'table_name', 'pool'],
    'rule_band': [
        'metric_id', 'unit', 'band_kind', 'band_label', 'lower_bound', 'lower_inclusive', 'upper_bound',
        'upper_inclusive', 'score',
    ],
    'combined_finance': ['planned_score', 'variance_score', 'combined_score'],
    'matrix_input': ['metric_id', 'axis', 'input_metric_id'],
    'enters_at_dp': ['quarter', 'metric_id', 'enters_at_dp'],
    'average_tolerance': ['quarter', 'table_name', 'tolerance'],
    'segment_boundary': ['applies_to', 'segment', 'quantile', 'threshold'],
    'expected_organisations': ['from_quarter', 'to_quarter', 'table_name', 'organisations'],
    'framework_parameter': ['parameter', 'value'],
    'metric_statistic': [
        'metric_id', 'source', 'precedence', 'covers', 'multiplier', 'divisor', 'first_rounding_dp',
        'ranked_at_dp', 'tolerance',
    ],
    'metric_statistic_measure': ['metric_id', 'part', 'measure', 'sign'],
    'known_difference': ['metric_id', 'reason', 'direction', 'largest', 'largest_share'],
    'insight_parameter': ['parameter', 'value'],
    'likely_range_parameter': ['parameter', 'number', 'choice'],
    'policy': ['policy', 'segments', 'depends_on', 'rule'],
} %}
{% set source_of_rule = {'metric_statistic': 'source_of_rule'} %}
with

quarter_in_scope as (

    select * from {{ source('run', 'quarter_in_scope') }}

),

rule_row as (

    {% for rule_table, keys in rule_tables.items() -%}
        select
            framework,
            '{{ rule_table }}' as rule_table,
            cast({{ keys | join(" as string) || ' ' || cast(") }} as string) as rule_key,
            {{ rule_value[rule_table] }} as rule_value,
            {{ terms_of(rule_terms[rule_table]) }} as rule_terms,
            state,
            {{ source_of_rule.get(rule_table, 'source') }} as source
        from {{ ref(rule_table) }}
        {% if not loop.last %}union all{% endif %}
    {% endfor %}
),

final as (

    select
        quarter_in_scope.quarter,
        quarter_in_scope.release_id,
        quarter_in_scope.is_sample,
        rule_row.framework,
        rule_row.rule_table,
        rule_row.rule_key,
        rule_row.rule_value,
        rule_row.rule_terms,
        rule_row.state,
        rule_row.source
    from rule_row
    inner join quarter_in_scope
        on rule_row.framework = quarter_in_scope.framework

)

select * from final
