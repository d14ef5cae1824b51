-- Figures by outcome, now and ever: of the current release beside the ledger of all releases and failed runs.
{{ config(materialized='view') }}
with

reconciliation as (

    select * from {{ ref('reconciliation') }}

),

reconciliation_ledger as (

    select * from {{ source('journal', 'reconciliation_ledger') }}

),

figure_kind as (

    select * from {{ ref('figure_kind') }}

),

now as (

    select
        quarter,
        is_sample,
        table_name,
        figure,
        outcome,
        count(*) as figures_now
    from reconciliation
    group by quarter, is_sample, table_name, figure, outcome

),

ever as (

    select
        quarter,
        is_sample,
        table_name,
        figure,
        outcome,
        count(distinct organisation_code) as figures_in_ledger,
        count(distinct release_id) as releases_in_ledger,
        count(distinct case when was_released then release_id end) as published_in_ledger,
        max(abs(difference)) as largest_difference
    from reconciliation_ledger
    group by quarter, is_sample, table_name, figure, outcome

),

counted as (

    select
        coalesce(now.quarter, ever.quarter) as quarter,
        coalesce(now.is_sample, ever.is_sample) as is_sample,
        coalesce(now.table_name, ever.table_name) as table_name,
        coalesce(now.figure, ever.figure) as figure,
        coalesce(now.outcome, ever.outcome) as outcome,
        cast(coalesce(now.figures_now, 0) as integer) as figures_now,
        cast(coalesce(ever.figures_in_ledger, 0) as integer) as figures_in_ledger,
        cast(coalesce(ever.releases_in_ledger, 0) as integer) as releases_in_ledger,
        cast(coalesce(ever.published_in_ledger, 0) as integer) as published_in_ledger,
        ever.largest_difference
    from now
    full outer join ever
        on
            now.quarter = ever.quarter
            and now.is_sample = ever.is_sample
            and now.table_name = ever.table_name
            and now.figure = ever.figure
            and now.outcome = ever.outcome

),

fitting_kind as (

    select
        counted.figure,
        min(figure_kind.precedence) as precedence
    from counted
    inner join figure_kind
        on counted.figure like figure_kind.figure_pattern
    group by counted.figure

),

final as (

    select
        counted.quarter,
        counted.is_sample,
        counted.table_name,
        counted.figure,
        coalesce(figure_kind.figure_kind, counted.figure) as figure_kind,
        counted.outcome,
        counted.figures_now,
        counted.figures_in_ledger,
        counted.releases_in_ledger,
        counted.published_in_ledger,
        counted.largest_difference
    from counted
    left join fitting_kind
        on counted.figure = fitting_kind.figure
    left join figure_kind
        on fitting_kind.precedence = figure_kind.precedence

)

select * from final
