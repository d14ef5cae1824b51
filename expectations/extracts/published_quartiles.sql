-- One row per value of the quarters in scope beside which the publisher prints median and quartiles: those of
-- its row, those of most rows of the metric, and those that follow from the values. The quartiles are of the
-- unrounded values, so they are known within one unit of the last place printed. Where the metric has two
-- units they are those of the unit that most organisations have.
with files as (
    select
        extract_id,
        min(file_name) as file_name
    from landing.extract
    group by extract_id
),

places as (
    select
        framework,
        metric_id,
        max(value_dp) as value_dp
    from methodology.metric
    group by framework, metric_id
),

valued as (
    select
        landed.*,
        scope.framework,
        places.value_dp,
        coalesce(landed.unit, '') as its_unit,
        { 'low': landed.lower_quartile, 'middle': landed.median_value, 'high': landed.upper_quartile } as printed
    from landing.extract_row as landed
    inner join run.quarter_in_scope as scope using (quarter)
    left join places on scope.framework = places.framework and landed.figure = places.metric_id
    where landed.source = 'nof_data' and left(landed.figure, 3) = 'OF0' and landed.value is not null
),

printed_most as (
    select
        quarter,
        extract_id,
        figure,
        printed as usual,
        count(*) as times_printed
    from valued
    group by quarter, extract_id, figure, printed
    qualify
        row_number() over (
            partition by quarter, extract_id, figure
            order by times_printed desc, printed
        ) = 1
),

of_its_unit as (
    select
        quarter,
        extract_id,
        figure,
        its_unit,
        count(*) as organisations,
        quantile_cont(value, 0.25) as low,
        quantile_cont(value, 0.5) as middle,
        quantile_cont(value, 0.75) as high
    from valued
    group by quarter, extract_id, figure, its_unit
    qualify
        row_number() over (
            partition by quarter, extract_id, figure
            order by organisations desc, its_unit
        ) = 1
),

-- Where the file holds rows of the metric without a value, its quartiles can't follow from the others.
incomplete as (
    select distinct
        extract_id,
        figure
    from landing.row_set_aside
    where figure is not null
)

select
    valued.quarter,
    coalesce(files.file_name, 'unknown file') as file_name,
    valued.source_row,
    valued.table_name,
    valued.organisation_code,
    valued.figure,
    valued.lower_quartile,
    valued.median_value,
    valued.upper_quartile,
    struct_extract(printed_most.usual, 'low') as usual_lower_quartile,
    struct_extract(printed_most.usual, 'middle') as usual_median,
    struct_extract(printed_most.usual, 'high') as usual_upper_quartile,
    round(of_its_unit.low, 4) as computed_lower_quartile,
    round(of_its_unit.middle, 4) as computed_median,
    round(of_its_unit.high, 4) as computed_upper_quartile,
    valued.printed is not distinct from printed_most.usual as quartiles_agree,
    valued.lower_quartile <= valued.median_value and valued.median_value <= valued.upper_quartile
        as quartiles_are_in_order,
    case
        when
            valued.source_row
            = min(valued.source_row) over (partition by valued.quarter, valued.extract_id, valued.figure)
            and incomplete.figure is null
            then
                greatest(
                    abs(struct_extract(printed_most.usual, 'low') - of_its_unit.low),
                    abs(struct_extract(printed_most.usual, 'middle') - of_its_unit.middle),
                    abs(struct_extract(printed_most.usual, 'high') - of_its_unit.high)
                ) < 1.0001 * pow(10, -valued.value_dp)
    end as quartiles_follow_from_the_values
from valued
inner join printed_most using (quarter, extract_id, figure)
inner join of_its_unit using (quarter, extract_id, figure)
left join incomplete using (extract_id, figure)
left join files using (extract_id)
where struct_extract(printed_most.usual, 'middle') is not null
order by valued.quarter, file_name, valued.source_row, valued.figure
