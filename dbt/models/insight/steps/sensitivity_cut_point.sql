-- Sensitivity, step 3: the cut-points under each choice. Quartiles are taken anew, of all tables together
-- or of the peers; thresholds stay, and so do the publisher's own where a table is missing, as quartiles of
-- a part of the trusts would be others.
with

sensitivity_average as (

    select * from {{ ref('sensitivity_average') }}

),

segment_cut_point as (

    select * from {{ ref('segment_cut_point') }}

),

scored_average as (

    select distinct
        quarter,
        score_figure
    from {{ ref('scored_average') }}
    where applies_to = 'average'

),

segment_boundary as (

    select * from {{ ref('segment_boundary') }}
    where applies_to = 'average'

),

official_cut_point as (

    select
        segment_cut_point.quarter,
        segment_cut_point.segment,
        segment_cut_point.cut_point,
        segment_cut_point.threshold_basis
    from segment_cut_point
    inner join scored_average
        on {{ same_score_figure('segment_cut_point', 'scored_average') }}

),

placed as (

    select
        quarter,
        framework,
        choice,
        subject,
        compared_with,
        average_metric_score_exact,
        row_number() over (
            partition by quarter, choice, subject, compared_with
            order by average_metric_score_exact, table_name, organisation_code
        ) as place,
        count(*) over (partition by quarter, choice, subject, compared_with) as trusts
    from sensitivity_average

),

quartile as (

    select
        placed.quarter,
        placed.choice,
        placed.subject,
        placed.compared_with,
        segment_boundary.segment,
        {{ linear_percentile(
            'placed.average_metric_score_exact', 'placed.place', 'placed.trusts', 'segment_boundary.quantile', 12
        ) }} as cut_point
    from placed
    inner join segment_boundary
        on placed.framework = segment_boundary.framework
    where segment_boundary.quantile is not null
    group by placed.quarter, placed.choice, placed.subject, placed.compared_with, segment_boundary.segment

),

compared as (

    select distinct
        quarter,
        choice,
        subject,
        compared_with
    from sensitivity_average

),

final as (

    select
        compared.quarter,
        compared.choice,
        compared.subject,
        compared.compared_with,
        official_cut_point.segment,
        case
            when official_cut_point.threshold_basis = 'threshold' then official_cut_point.cut_point
            when compared.choice = 'within_peer_group' then quartile.cut_point
            when
                official_cut_point.threshold_basis = 'published'
                or compared.choice in ('official', 'without_override')
                then official_cut_point.cut_point
            else quartile.cut_point
        end as cut_point,
        case
            when official_cut_point.threshold_basis = 'threshold' then 'threshold'
            when compared.choice = 'within_peer_group' then 'peer_quartiles'
            else official_cut_point.threshold_basis
        end as threshold_basis
    from compared
    inner join official_cut_point
        on compared.quarter = official_cut_point.quarter
    left join quartile
        on
            {{ same_comparison('compared', 'quartile') }}
            and official_cut_point.segment = quartile.segment

)

select * from final
