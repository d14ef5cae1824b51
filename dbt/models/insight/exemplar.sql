-- Learning from the best: for each organisation and weak metric, better performers most like it: of its
-- table, of its subtype first (which says the size, as in Acute - Large), with most of their metrics in
-- common.
with

quarter_in_scope as (

    select * from {{ source('run', 'quarter_in_scope') }}

),

metric_score_exact as (

    select * from {{ ref('metric_score_exact') }}

),

organisation_in_quarter as (

    select * from {{ ref('organisation_in_quarter') }}

),

average_metric_score as (

    select * from {{ ref('average_metric_score') }}

),

insight_parameter as (

    select
        framework,
        max(case when parameter = 'weak_metric_score' then value end) as weak_metric_score,
        max(case when parameter = 'exemplar_metric_score' then value end) as exemplar_metric_score,
        max(case when parameter = 'exemplars_per_metric' then value end) as exemplars_per_metric
    from {{ ref('insight_parameter') }}
    group by framework

),

scored as (

    select
        metric_score_exact.quarter,
        metric_score_exact.framework,
        metric_score_exact.table_name,
        metric_score_exact.organisation_code,
        metric_score_exact.metric_id,
        metric_score_exact.metric_score_exact,
        average_metric_score.metric_count,
        average_metric_score.average_metric_score,
        coalesce(organisation_in_quarter.organisation_subtype, '') as organisation_subtype
    from metric_score_exact
    inner join average_metric_score
        on
            metric_score_exact.quarter = average_metric_score.quarter
            and metric_score_exact.table_name = average_metric_score.table_name
            and metric_score_exact.organisation_code = average_metric_score.organisation_code
    inner join organisation_in_quarter
        on
            metric_score_exact.quarter = organisation_in_quarter.quarter
            and metric_score_exact.table_name = organisation_in_quarter.table_name
            and metric_score_exact.organisation_code = organisation_in_quarter.organisation_code
    where metric_score_exact.enters_average

),

-- metrics that two organisations of a table both have
in_common as (

    select
        one.quarter,
        one.table_name,
        one.organisation_code,
        other.organisation_code as other_code,
        count(*) as metrics_in_common
    from scored as one
    inner join scored as other
        on
            one.quarter = other.quarter
            and one.table_name = other.table_name
            and one.metric_id = other.metric_id
            and one.organisation_code <> other.organisation_code
    group by one.quarter, one.table_name, one.organisation_code, other.organisation_code

),

better as (

    select
        weak.quarter,
        weak.table_name,
        weak.organisation_code,
        weak.metric_id,
        {{ half_up('weak.metric_score_exact') }} as metric_score,
        exemplar.organisation_code as exemplar_code,
        {{ half_up('exemplar.metric_score_exact') }} as exemplar_metric_score,
        exemplar.average_metric_score as exemplar_average_metric_score,
        weak.organisation_subtype = exemplar.organisation_subtype as is_same_subtype,
        in_common.metrics_in_common,
        cast(round(
            cast(in_common.metrics_in_common as decimal(18, 6))
            / (weak.metric_count + exemplar.metric_count - in_common.metrics_in_common), 2
        ) as decimal(18, 2)) as likeness,
        insight_parameter.exemplars_per_metric
    from scored as weak
    inner join insight_parameter
        on weak.framework = insight_parameter.framework
    inner join scored as exemplar
        on
            weak.quarter = exemplar.quarter
            and weak.table_name = exemplar.table_name
            and weak.metric_id = exemplar.metric_id
    inner join in_common
        on
            weak.quarter = in_common.quarter
            and weak.table_name = in_common.table_name
            and weak.organisation_code = in_common.organisation_code
            and exemplar.organisation_code = in_common.other_code
    where
        weak.metric_score_exact >= insight_parameter.weak_metric_score
        and exemplar.metric_score_exact <= insight_parameter.exemplar_metric_score

),

ordered as (

    select
        *,
        row_number() over (
            partition by quarter, table_name, organisation_code, metric_id
            order by
                is_same_subtype desc,
                likeness desc,
                exemplar_metric_score asc,
                exemplar_average_metric_score asc,
                exemplar_code asc
        ) as exemplar_rank
    from better

),

final as (

    select
        quarter_in_scope.quarter,
        quarter_in_scope.release_id,
        quarter_in_scope.is_sample,
        ordered.table_name,
        ordered.organisation_code,
        ordered.metric_id,
        ordered.metric_score,
        cast(ordered.exemplar_rank as integer) as exemplar_rank,
        ordered.exemplar_code,
        ordered.exemplar_metric_score,
        ordered.exemplar_average_metric_score,
        ordered.is_same_subtype,
        cast(ordered.metrics_in_common as integer) as metrics_in_common,
        ordered.likeness
    from ordered
    inner join quarter_in_scope
        on ordered.quarter = quarter_in_scope.quarter
    where ordered.exemplar_rank <= ordered.exemplars_per_metric

)

select * from final
