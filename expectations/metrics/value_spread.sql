-- One row per value of a metric with enough organisations in a table, the farthest from the others first. The
-- spread is the distance between the quartiles, or half of that between the tenths at both ends where many
-- values are alike: one wrong value moves neither.
with files as (
    select
        extract_id,
        min(file_name) as file_name
    from landing.extract
    group by extract_id
),

parameters as (
    select
        max(value) filter (where parameter = 'spread_least_organisations') as least_organisations,
        max(value) filter (where parameter = 'spread_largest_distance') as largest_distance,
        max(value) filter (where parameter = 'spread_largest_gap') as largest_gap,
        max(value) filter (where parameter = 'spread_gap_of_a_shifted_point') as gap_of_a_shifted_point,
        max(value) filter (where parameter = 'spread_ordinary_distance') as ordinary_distance
    from reference.input_check_parameter
),

valued as (
    select
        metric_value.quarter,
        metric_value.table_name,
        metric_value.metric_id,
        metric_value.unit,
        metric_value.organisation_code,
        metric_value.extract_id,
        metric_value.source_row,
        metric_value.value_dp,
        cast(metric_value.value as double) as value,
        count(*) over of_the_metric as organisations,
        quantile_cont(metric_value.value, 0.1) over of_the_metric as lowest_tenth,
        quantile_cont(metric_value.value, 0.25) over of_the_metric as lower_quartile,
        quantile_cont(metric_value.value, 0.5) over of_the_metric as median,
        quantile_cont(metric_value.value, 0.75) over of_the_metric as upper_quartile,
        quantile_cont(metric_value.value, 0.9) over of_the_metric as highest_tenth,
        lag(metric_value.value) over by_value as value_below,
        lead(metric_value.value) over by_value as value_above
    from metrics.metric_value as metric_value
    inner join run.quarter_in_scope using (quarter)
    where metric_value.value is not null
    window
        of_the_metric as (
            partition by metric_value.quarter, metric_value.table_name, metric_value.metric_id, metric_value.unit
        ),
        by_value as (
            partition by metric_value.quarter, metric_value.table_name, metric_value.metric_id, metric_value.unit
            order by metric_value.value, metric_value.organisation_code
        )
),

spread as (
    select
        valued.*,
        parameters.*,
        nullif(greatest(upper_quartile - lower_quartile, (highest_tenth - lowest_tenth) / 2), 0) as spread,
        case
            when value_below is null then value_above - value
            when value_above is null then value - value_below
        end as gap
    from valued
    cross join parameters
    where organisations >= least_organisations
),

measured as (
    select
        *,
        greatest(value - upper_quartile, lower_quartile - value, 0) / spread as distance,
        gap / spread as gap_in_spreads,
        lower_quartile - ordinary_distance * spread as ordinary_from,
        upper_quartile + ordinary_distance * spread as ordinary_to
    from spread
),

-- A point that was shifted leaves all digits as they were, so moving it back gives no more places than the
-- metric has.
shifted as (
    select
        *,
        case
            when gap_in_spreads > gap_of_a_shifted_point and value <> 0
                then coalesce(
                    case
                        when
                            value / 10 between ordinary_from and ordinary_to
                            and abs(round(value / 10, value_dp) - value / 10) < 0.0000001
                            then value / 10
                    end,
                    case
                        when
                            value / 100 between ordinary_from and ordinary_to
                            and abs(round(value / 100, value_dp) - value / 100) < 0.0000001
                            then value / 100
                    end,
                    case when value * 10 between ordinary_from and ordinary_to then value * 10 end,
                    case when value * 100 between ordinary_from and ordinary_to then value * 100 end
                )
        end as with_the_point_moved
    from measured
),

marked as (
    select
        *,
        distance > largest_distance or coalesce(gap_in_spreads > largest_gap, false) as is_far
    from shifted
)

select
    marked.quarter,
    coalesce(files.file_name, 'no file') as file_name,
    marked.source_row,
    marked.table_name,
    marked.organisation_code,
    marked.metric_id,
    marked.unit,
    marked.value,
    round(marked.median, 4) as median,
    round(marked.lower_quartile, 4) as lower_quartile,
    round(marked.upper_quartile, 4) as upper_quartile,
    round(marked.distance, 1) as distance,
    marked.with_the_point_moved,
    case
        when marked.with_the_point_moved is not null then null
        else not coalesce(marked.is_far, false)
    end as is_among_the_others,
    case when marked.with_the_point_moved is not null then false end as point_is_where_it_belongs
from marked
left join files using (extract_id)
order by marked.quarter, marked.distance desc nulls last, marked.metric_id, marked.table_name, marked.organisation_code
