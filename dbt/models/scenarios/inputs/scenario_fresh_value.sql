-- Re-scoring apart, step 1: the values that stand in place of the release's: what statistics give (nowcast),
-- what the quarter's own release gives (accuracy of a nowcast), or what is changed by hand (what-if). What a
-- scenario doesn't have is empty.
with

quarter_in_scope as (

    select * from {{ source('run', 'quarter_in_scope') }}

),

computed_metric_value as (

    select * from {{ ref('computed_metric_value') }}
    where printed_value is not null

),

known_difference as (

    select * from {{ ref('known_difference') }}

),

metric_statistic as (

    select * from {{ ref('metric_statistic') }}

),

official_metric_score as (

    select * from {{ source('official', 'metric_score') }}
    where value is not null

),

metric_score as (

    select * from {{ source('released', 'metric_score') }}

),

changed_figure as (

    select * from {{ source('scenario', 'changed_figure') }}

),

-- of several reasons, the one that explains most
largest_difference as (

    select
        framework,
        metric_id,
        arg_max(reason, largest) as reason
    from known_difference
    group by framework, metric_id

),

final as (

    select
        computed_metric_value.metric_id,
        computed_metric_value.organisation_code,
        computed_metric_value.printed_value as value,
        computed_metric_value.source,
        largest_difference.reason as known_difference
    from computed_metric_value
    inner join quarter_in_scope
        on computed_metric_value.quarter = quarter_in_scope.quarter
    left join largest_difference
        on {{ same_metric('computed_metric_value', 'largest_difference') }}
    union all
    select
        official_metric_score.metric_id,
        official_metric_score.organisation_code,
        official_metric_score.value,
        metric_statistic.source,
        cast(null as string) as known_difference
    from official_metric_score
    cross join quarter_in_scope
    inner join metric_statistic
        on
            official_metric_score.metric_id = metric_statistic.metric_id
            and quarter_in_scope.framework = metric_statistic.framework
    union all
    select
        metric_score.metric_id,
        metric_score.organisation_code,
        changed_figure.value,
        'what-if' as source,
        cast(null as string) as known_difference
    from metric_score
    inner join changed_figure
        on
            metric_score.metric_id = changed_figure.figure
            and metric_score.organisation_code = changed_figure.organisation_code
            and metric_score.value <> changed_figure.value

)

select * from final
