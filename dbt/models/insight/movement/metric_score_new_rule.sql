-- Movement, step 1: rule. What the values of the earlier release score under the later release's rule, in the
-- earlier pool. Where the rule is the same that is the released score; without a whole pool it is not known.
with

metric_score_pair as (

    select * from {{ ref('metric_score_pair') }}
    where is_before

),

metric_rule_pair as (

    select * from {{ ref('metric_rule_pair') }}

),

framework_rule as (

    select * from {{ ref('framework_rule') }}

),

-- a metric that the later framework lacks keeps its rule: it leaves the average as it was
ruled as (

    select
        metric_score_pair.*,
        metric_rule_pair.rule,
        metric_rule_pair.standard_key,
        metric_rule_pair.score_best,
        metric_rule_pair.score_worst,
        metric_rule_pair.score_if_met,
        metric_rule_pair.score_if_failed,
        coalesce(metric_rule_pair.is_rule_changed, false) as is_rule_changed,
        coalesce(
            metric_rule_pair.rule = 'standard'
            and metric_score_pair.rank_key_before <= metric_rule_pair.standard_key, false
        ) as meets_standard,
        coalesce(
            metric_rule_pair.rule = 'floor'
            and metric_score_pair.rank_key_before > metric_rule_pair.standard_key, false
        ) as fails_floor
    from metric_score_pair
    left join metric_rule_pair
        on
            {{ same_pair('metric_score_pair', 'metric_rule_pair') }}
            and metric_score_pair.metric_id = metric_rule_pair.metric_id
            and metric_score_pair.unit_before = metric_rule_pair.unit

),

placed as (

    select
        ruled.*,
        case
            when is_rule_changed
                then
                    pool_before is not null
                    and rule in ('plain', 'standard', 'floor')
                    and not meets_standard
                    and not fails_floor
            else rank_in_pool_before is not null
        end as is_ranked
    from ruled

),

-- values that print alike keep the order that their released ranks tell
pool_order as (

    select
        quarter,
        release_id,
        release_id_before,
        table_name,
        organisation_code,
        metric_id,
        rank() over (
            partition by
                quarter, release_id, release_id_before, metric_id, unit_before, pool_before, is_ranked
            order by rank_key_before, coalesce(rank_in_pool_before, 0)
        ) as place,
        count(*) over (
            partition by
                quarter, release_id, release_id_before, metric_id, unit_before, pool_before, is_ranked
        ) as ranked
    from placed
    where is_rule_changed

),

pool_size as (

    select
        quarter,
        release_id,
        release_id_before,
        metric_id,
        unit_before,
        pool_before,
        count(rank_in_pool_before) = max(pool_size_before) as is_whole,
        -- nobody is ranked, as all meet the standard or fail the floor
        sum(
            case
                when rule_before = 'standard' and standard_met_before then 0
                when rule_before = 'floor' and not standard_met_before then 0
                else 1
            end
        ) = 0 as is_empty
    from placed
    where pool_before is not null
    group by quarter, release_id, release_id_before, metric_id, unit_before, pool_before

),

band as (

    select
        quarter,
        release_id,
        {{ rule_term('rule_terms', 'metric_id') }} as metric_id,
        {{ rule_term('rule_terms', 'unit') }} as unit,
        cast({{ rule_term('rule_terms', 'score') }} as integer) as score,
        cast({{ rule_term('rule_terms', 'lower_bound') }} as decimal(18, 6)) as lower_bound,
        {{ rule_term('rule_terms', 'lower_inclusive') }} = 'true' as lower_inclusive,
        cast({{ rule_term('rule_terms', 'upper_bound') }} as decimal(18, 6)) as upper_bound,
        {{ rule_term('rule_terms', 'upper_inclusive') }} = 'true' as upper_inclusive
    from framework_rule
    where rule_table = 'rule_band' and {{ rule_term('rule_terms', 'band_kind') }} = 'value'

),

band_score as (

    select
        placed.quarter,
        placed.release_id,
        placed.release_id_before,
        placed.table_name,
        placed.organisation_code,
        placed.metric_id,
        max(band.score) as score
    from placed
    inner join band
        on
            {{ same_release('placed', 'band') }}
            and placed.metric_id = band.metric_id
            and placed.unit_before = band.unit
            and {{ lies_in_band('placed.value_before', 'band') }}
    where placed.is_rule_changed and placed.rule = 'band'
    group by
        placed.quarter,
        placed.release_id,
        placed.release_id_before,
        placed.table_name,
        placed.organisation_code,
        placed.metric_id

),

scored as (

    select
        placed.*,
        coalesce(pool_size.is_whole, false) as is_whole,
        coalesce(pool_size.is_empty, false) as is_empty,
        case
            when not placed.is_rule_changed then placed.rank_in_pool_before
            when placed.is_ranked and pool_size.is_whole then pool_order.place
        end as rank_under_rule,
        case
            when not placed.is_rule_changed then placed.pool_size_before
            when placed.is_ranked and pool_size.is_whole then pool_order.ranked
        end as size_under_rule,
        {{ exact("""case
            when not placed.is_rule_changed then placed.metric_score_exact_before
            when placed.rule = 'published' then placed.metric_score_exact_before
            when placed.rule = 'band' then band_score.score
            when placed.pool_before is null then null
            when placed.meets_standard then placed.score_if_met
            when placed.fails_floor then placed.score_if_failed
        end""") }} as score_without_pool
    from placed
    left join pool_order
        on {{ same_metric_of_pair('placed', 'pool_order') }}
    left join pool_size
        on
            {{ same_pair('placed', 'pool_size') }}
            and placed.metric_id = pool_size.metric_id
            and placed.unit_before = pool_size.unit_before
            and placed.pool_before = pool_size.pool_before
    left join band_score
        on {{ same_metric_of_pair('placed', 'band_score') }}

),

own_score as (

    select
        *,
        coalesce(score_without_pool, case
            when rank_under_rule is not null
                then {{ grid_score('score_best', 'score_worst', 'rank_under_rule', 'size_under_rule') }}
        end) as score_under_rule
    from scored

),

-- a metric of two others' scores: both of them under the new rules, looked up in the new matrix
matrix_term as (

    select
        quarter,
        release_id,
        {{ rule_term('rule_terms', 'metric_id') }} as metric_id,
        {{ rule_term('rule_terms', 'axis') }} as axis,
        {{ rule_term('rule_terms', 'input_metric_id') }} as input_metric_id
    from framework_rule
    where rule_table = 'matrix_input'

),

matrix_axis as (

    select
        own_score.quarter,
        own_score.release_id,
        own_score.release_id_before,
        own_score.table_name,
        own_score.organisation_code,
        matrix_term.metric_id,
        max(case when matrix_term.axis = 'planned' then own_score.score_under_rule end) as planned_score,
        max(case when matrix_term.axis = 'variance' then own_score.score_under_rule end) as variance_score
    from own_score
    inner join matrix_term
        on
            {{ same_release('own_score', 'matrix_term') }}
            and own_score.metric_id = matrix_term.input_metric_id
    group by
        own_score.quarter,
        own_score.release_id,
        own_score.release_id_before,
        own_score.table_name,
        own_score.organisation_code,
        matrix_term.metric_id

),

combined_finance as (

    select
        quarter,
        release_id,
        cast({{ rule_term('rule_terms', 'planned_score') }} as integer) as planned_score,
        cast({{ rule_term('rule_terms', 'variance_score') }} as integer) as variance_score,
        cast({{ rule_term('rule_terms', 'combined_score') }} as integer) as combined_score
    from framework_rule
    where rule_table = 'combined_finance'

),

matrix_score as (

    select
        matrix_axis.quarter,
        matrix_axis.release_id,
        matrix_axis.release_id_before,
        matrix_axis.table_name,
        matrix_axis.organisation_code,
        matrix_axis.metric_id,
        combined_finance.combined_score
    from matrix_axis
    inner join combined_finance
        on
            {{ same_release('matrix_axis', 'combined_finance') }}
            and matrix_axis.planned_score = combined_finance.planned_score
            and matrix_axis.variance_score = combined_finance.variance_score

),

final as (

    select
        own_score.quarter,
        own_score.release_id,
        own_score.release_id_before,
        own_score.table_name,
        own_score.organisation_code,
        own_score.metric_id,
        own_score.unit_before as unit,
        own_score.pool_before as pool,
        own_score.rank_key_before as rank_key,
        own_score.is_rule_changed,
        own_score.is_ranked,
        own_score.is_whole,
        own_score.is_empty,
        own_score.rank_under_rule,
        own_score.size_under_rule,
        {{ exact('coalesce(own_score.score_under_rule, matrix_score.combined_score)') }} as score_under_rule
    from own_score
    left join matrix_score
        on {{ same_metric_of_pair('own_score', 'matrix_score') }}

)

select * from final
