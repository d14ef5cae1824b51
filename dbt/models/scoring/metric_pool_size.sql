-- Step 2.2: the pools: how many trusts are ranked, which tables a pool draws on, and whether all are loaded.
with

metric_value_rule as (

    select * from {{ ref('metric_value_rule') }}

),

metric_pool as (

    select * from {{ ref('metric_pool') }}

),

expected_organisations as (

    select * from {{ ref('expected_organisations') }}

),

metric as (

    select * from {{ ref('metric') }}

),

loaded_table as (

    select distinct
        quarter,
        framework,
        table_name
    from {{ ref('metric_value') }}

),

pool_in_use as (

    select
        quarter,
        framework,
        metric_id,
        unit,
        pool,
        count(*) as values_in_pool,
        sum(case when meets_standard or fails_floor then 0 else 1 end) as ranked_in_pool,
        -- printed exactly on the standard: who meets it may be ranked, who passes the floor may fail it
        sum(case when is_on_standard and rule = 'standard' then 1 else 0 end) as on_standard,
        sum(case when is_on_standard and rule = 'floor' then 1 else 0 end) as on_floor,
        max(rule_state) as rule_state,
        max(pool_state) as pool_state,
        max(score_best) as score_best,
        max(score_worst) as score_worst
    from metric_value_rule
    group by quarter, framework, metric_id, unit, pool

),

pool_table as (

    select
        pool_in_use.quarter,
        pool_in_use.metric_id,
        pool_in_use.unit,
        pool_in_use.pool,
        count(*) as tables_in_pool,
        count(loaded_table.table_name) as tables_loaded,
        coalesce(sum(expected_organisations.organisations), 0) as organisations_expected
    from pool_in_use
    inner join metric_pool
        on
            {{ same_metric('pool_in_use', 'metric_pool') }}
            and pool_in_use.pool = metric_pool.pool
    left join loaded_table
        on
            pool_in_use.quarter = loaded_table.quarter
            and metric_pool.table_name = loaded_table.table_name
    left join expected_organisations
        on
            pool_in_use.framework = expected_organisations.framework
            and metric_pool.table_name = expected_organisations.table_name
            and pool_in_use.quarter between expected_organisations.from_quarter
            and expected_organisations.to_quarter
    group by pool_in_use.quarter, pool_in_use.metric_id, pool_in_use.unit, pool_in_use.pool

),

final as (

    select
        pool_in_use.quarter,
        pool_in_use.framework,
        pool_in_use.metric_id,
        pool_in_use.unit,
        pool_in_use.pool,
        pool_in_use.values_in_pool,
        pool_in_use.ranked_in_pool,
        pool_in_use.on_standard,
        pool_in_use.on_floor,
        pool_in_use.score_best,
        pool_in_use.score_worst,
        pool_table.tables_in_pool,
        pool_table.organisations_expected,
        pool_table.tables_loaded = pool_table.tables_in_pool as is_complete,
        -- the published Rank ranks values within one table, so it ranks a pool only where the two are one
        pool_table.tables_in_pool = 1
        and metric.published_rank_of = 'value' as is_ranked_by_publisher,
        pool_in_use.rule_state in ('stated', 'verified')
        and pool_in_use.pool_state in ('stated', 'verified') as is_firm_rule
    from pool_in_use
    inner join pool_table
        on {{ same_pool('pool_in_use', 'pool_table') }}
    inner join metric
        on {{ same_metric('pool_in_use', 'metric') }}

)

select * from final
