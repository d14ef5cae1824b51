-- Learning from the best: for each organisation and weak metric, better performers most like it: of its
-- table, of its subtype first (which says the size, as in Acute - Large), with most of their metrics in
-- common. Organisations of one subtype with the same metrics are alike to everybody, so that kinds of
-- organisations are compared and not all with all.
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

metric_set as (

    select
        quarter,
        table_name,
        organisation_code,
        {{ listed('metric_id') }} as metrics
    from metric_score_exact
    where enters_average
    group by quarter, table_name, organisation_code

),

scored as (

    select
        metric_score_exact.quarter,
        metric_score_exact.framework,
        metric_score_exact.table_name,
        metric_score_exact.organisation_code,
        metric_score_exact.metric_id,
        metric_score_exact.metric_score_exact,
        {{ half_up('metric_score_exact.metric_score_exact') }} as metric_score,
        average_metric_score.metric_count,
        average_metric_score.average_metric_score,
        coalesce(organisation_in_quarter.organisation_subtype, '') as organisation_subtype,
        metric_set.metrics
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
    inner join metric_set
        on
            metric_score_exact.quarter = metric_set.quarter
            and metric_score_exact.table_name = metric_set.table_name
            and metric_score_exact.organisation_code = metric_set.organisation_code
    where metric_score_exact.enters_average

),

-- one row per metric of each set of metrics that somebody of the table has
metric_of_set as (

    select distinct
        quarter,
        table_name,
        metrics,
        metric_id
    from scored

),

in_common as (

    select
        one.quarter,
        one.table_name,
        one.metrics,
        other.metrics as other_metrics,
        count(*) as metrics_in_common
    from metric_of_set as one
    inner join metric_of_set as other
        on
            one.quarter = other.quarter
            and one.table_name = other.table_name
            and one.metric_id = other.metric_id
    group by one.quarter, one.table_name, one.metrics, other.metrics

),

weak as (

    select
        scored.*,
        insight_parameter.exemplars_per_metric
    from scored
    inner join insight_parameter
        on scored.framework = insight_parameter.framework
    where scored.metric_score_exact >= insight_parameter.weak_metric_score

),

weak_kind as (

    select distinct
        quarter,
        table_name,
        metric_id,
        organisation_subtype,
        metrics,
        metric_count,
        exemplars_per_metric
    from weak

),

-- the best of each kind; one more than is shown, as nobody is shown to itself
exemplar as (

    select
        scored.*,
        row_number() over (
            partition by
                scored.quarter, scored.table_name, scored.metric_id, scored.organisation_subtype,
                scored.metrics, scored.metric_count
            order by
                scored.metric_score asc, scored.average_metric_score asc, scored.organisation_code asc
        ) as place_in_kind
    from scored
    inner join insight_parameter
        on scored.framework = insight_parameter.framework
    where scored.metric_score_exact <= insight_parameter.exemplar_metric_score

),

best_of_kind as (

    select exemplar.*
    from exemplar
    inner join insight_parameter
        on exemplar.framework = insight_parameter.framework
    where exemplar.place_in_kind <= insight_parameter.exemplars_per_metric + 1

),

better as (

    select
        weak_kind.quarter,
        weak_kind.table_name,
        weak_kind.metric_id,
        weak_kind.organisation_subtype,
        weak_kind.metrics,
        weak_kind.metric_count,
        best_of_kind.organisation_code as exemplar_code,
        best_of_kind.metric_score as exemplar_metric_score,
        best_of_kind.average_metric_score as exemplar_average_metric_score,
        weak_kind.organisation_subtype = best_of_kind.organisation_subtype as is_same_subtype,
        in_common.metrics_in_common,
        {{ as_decimal(
            "cast(in_common.metrics_in_common as double)"
            ~ " / (weak_kind.metric_count + best_of_kind.metric_count - in_common.metrics_in_common)", 18, 2
        ) }} as likeness
    from weak_kind
    inner join best_of_kind
        on
            weak_kind.quarter = best_of_kind.quarter
            and weak_kind.table_name = best_of_kind.table_name
            and weak_kind.metric_id = best_of_kind.metric_id
    inner join in_common
        on
            weak_kind.quarter = in_common.quarter
            and weak_kind.table_name = in_common.table_name
            and weak_kind.metrics = in_common.metrics
            and best_of_kind.metrics = in_common.other_metrics

),

most_alike as (

    select
        *,
        row_number() over (
            partition by quarter, table_name, metric_id, organisation_subtype, metrics, metric_count
            order by
                is_same_subtype desc,
                likeness desc,
                exemplar_metric_score asc,
                exemplar_average_metric_score asc,
                exemplar_code asc
        ) as place
    from better

),

ordered as (

    select
        weak.quarter,
        weak.table_name,
        weak.organisation_code,
        weak.metric_id,
        weak.metric_score,
        weak.exemplars_per_metric,
        most_alike.exemplar_code,
        most_alike.exemplar_metric_score,
        most_alike.exemplar_average_metric_score,
        most_alike.is_same_subtype,
        most_alike.metrics_in_common,
        most_alike.likeness,
        row_number() over (
            partition by weak.quarter, weak.table_name, weak.organisation_code, weak.metric_id
            order by most_alike.place
        ) as exemplar_rank
    from weak
    inner join most_alike
        on
            weak.quarter = most_alike.quarter
            and weak.table_name = most_alike.table_name
            and weak.metric_id = most_alike.metric_id
            and weak.organisation_subtype = most_alike.organisation_subtype
            and weak.metrics = most_alike.metrics
            and weak.metric_count = most_alike.metric_count
            and weak.organisation_code <> most_alike.exemplar_code
    where most_alike.place <= weak.exemplars_per_metric + 1

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
