-- Each published value beside the one from counts, where a statistic of the metric is loaded: how far apart
-- they are, and which known difference explains that within its bounds. Any other difference isn't known.
with

metric_value as (

    select * from {{ ref('metric_value') }}

),

computed_metric_value as (

    select * from {{ ref('computed_metric_value') }}

),

known_difference as (

    select * from {{ ref('known_difference') }}

),

counted_metric as (

    select
        quarter,
        metric_id,
        max(source) as source,
        max(tolerance) as tolerance
    from computed_metric_value
    group by quarter, metric_id

),

paired as (

    select
        metric_value.quarter,
        metric_value.framework,
        metric_value.table_name,
        metric_value.organisation_code,
        metric_value.metric_id,
        counted_metric.source,
        computed_metric_value.printed_value,
        counted_metric.tolerance,
        computed_metric_value.printed_value - metric_value.value as difference,
        abs(computed_metric_value.printed_value - metric_value.value) > counted_metric.tolerance as is_apart,
        case
            when computed_metric_value.organisation_code is null
                then 'the files of ' || counted_metric.source || ' have no counts of this organisation'
            else computed_metric_value.missing_reason
        end as missing_reason
    from metric_value
    inner join counted_metric
        on
            metric_value.quarter = counted_metric.quarter
            and metric_value.metric_id = counted_metric.metric_id
    left join computed_metric_value
        on {{ same_metric_of_code('metric_value', 'computed_metric_value') }}
    where metric_value.value is not null

),

compared as (

    select
        quarter,
        metric_id,
        count(*) as organisations
    from paired
    where printed_value is not null
    group by quarter, metric_id

),

-- the narrowest of the reasons that fit
fitting as (

    select
        paired.quarter,
        paired.table_name,
        paired.organisation_code,
        paired.metric_id,
        known_difference.reason,
        known_difference.largest_share,
        row_number() over (
            partition by paired.quarter, paired.table_name, paired.organisation_code, paired.metric_id
            order by known_difference.largest, known_difference.reason
        ) as place
    from paired
    inner join known_difference
        on {{ same_metric('paired', 'known_difference') }}
    where
        paired.is_apart
        and abs(paired.difference) <= known_difference.largest
        and (
            known_difference.direction = 'either'
            or (known_difference.direction = 'below' and paired.difference < 0)
            or (known_difference.direction = 'above' and paired.difference > 0)
        )

),

explained as (

    select
        quarter,
        metric_id,
        reason,
        count(*) as organisations
    from fitting
    where place = 1
    group by quarter, metric_id, reason

),

final as (

    select
        paired.quarter,
        paired.table_name,
        paired.organisation_code,
        paired.metric_id,
        paired.source,
        paired.printed_value,
        paired.tolerance,
        paired.difference,
        paired.is_apart,
        paired.missing_reason,
        fitting.reason as known_reason,
        explained.organisations as organisations_explained,
        compared.organisations as organisations_compared,
        coalesce(
            explained.organisations <= ceil(fitting.largest_share * compared.organisations), false
        ) as is_within_bounds
    from paired
    left join fitting
        on
            {{ same_metric_of_organisation('paired', 'fitting') }}
            and fitting.place = 1
    left join explained
        on
            fitting.quarter = explained.quarter
            and fitting.metric_id = explained.metric_id
            and fitting.reason = explained.reason
    left join compared
        on
            paired.quarter = compared.quarter
            and paired.metric_id = compared.metric_id

)

select * from final
