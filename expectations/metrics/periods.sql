-- One row per quarter in scope, file, metric and text of its period (Reporting_date): how many rows have it,
-- until which month it reaches, what most rows of the metric have, what the other tables of the quarter have
-- and what the release of the quarter before had. Months are counted from the year 0. A single year is the
-- one in which a financial year starts, but for surveys: theirs is a calendar year.
with files as (
    select
        extract_id,
        min(file_name) as file_name
    from landing.extract
    group by extract_id
),

landed as (
    select
        here.quarter,
        scope.framework,
        here.extract_id,
        here.table_name,
        case
            when regexp_full_match(here.figure, 'OF[01][0-9]{3}') then 'OF0' || right(here.figure, 3)
            else split_part(here.figure, '.', 1)
        end as metric_id,
        coalesce(here.reporting_date, '') as period,
        min(here.source_row) as source_row,
        arg_min(here.organisation_code, here.source_row) as organisation_code,
        count(*) as times_found
    from landing.extract_row as here
    inner join run.quarter_in_scope as scope using (quarter)
    group by all
),

-- The period that most organisations of a metric had in the quarter before.
before as (
    select
        scope.quarter,
        scope.quarter_before,
        period_history.table_name,
        period_history.metric_id,
        period_history.period as period_before,
        count(*) as organisations
    from quarter_before as scope
    inner join period_history on scope.quarter_before = period_history.quarter
    where period_history.period is not null
    group by
        scope.quarter, scope.quarter_before, period_history.table_name, period_history.metric_id, period_history.period
    qualify
        row_number() over (
            partition by scope.quarter, period_history.table_name, period_history.metric_id
            order by organisations desc, period_before
        ) = 1
),

every_text as (
    select period from landed
    union
    select period_before from before
),

-- What is compared with ("Apr 25 - Mar 26 vs Apr 24 - Mar 25") stands after the period itself.
parts as (
    select
        period,
        regexp_extract(lower(period), '^(.*?)(?: (?:vs\.?|versus|compared (?:with|to)) (.*))?$', 1) as main,
        regexp_extract(lower(period), '^(.*?)(?: (?:vs\.?|versus|compared (?:with|to)) (.*))?$', 2) as compared_with
    from every_text
),

-- The forms that files of the publisher have, and those that spreadsheet programs make of them. Years of two
-- digits are of this century.
matched as (
    select
        period,
        compared_with,
        regexp_extract(main, '([a-z]{3})[a-z]*[- .]*(?:20)?([0-9]{2})$', 1) as last_month,
        regexp_extract(main, '([a-z]{3})[a-z]*[- .]*(?:20)?([0-9]{2})$', 2) as last_year,
        regexp_extract(main, '^([a-z]{3})[a-z]*[- .]*(?:20)?([0-9]{2}) ?(?:[-\x{2010}-\x{2015}]|to) ?[a-z]', 1)
            as first_month,
        regexp_extract(main, '^([a-z]{3})[a-z]*[- .]*(?:20)?([0-9]{2}) ?(?:[-\x{2010}-\x{2015}]|to) ?[a-z]', 2)
            as first_year,
        regexp_extract(main, '^20([0-9]{2})-([01][0-9])(?:-[0-3][0-9])?(?: 00:00(?::00)?)?$', 1) as iso_year,
        regexp_extract(main, '^20([0-9]{2})-([01][0-9])(?:-[0-3][0-9])?(?: 00:00(?::00)?)?$', 2) as iso_month,
        regexp_extract(main, '^[0-3]?[0-9]/([01]?[0-9])/20([0-9]{2})$', 1) as dated_month,
        regexp_extract(main, '^[0-3]?[0-9]/([01]?[0-9])/20([0-9]{2})$', 2) as dated_year,
        regexp_extract(main, '^4[0-9]{4}$') as serial_day,
        regexp_extract(main, '^q(?:uarter )?([1-4])[ ,]+20([0-9]{2})(?:[-/]([0-9]{2}))?$', 1) as quarter_number,
        regexp_extract(main, '^(?:to )?m(?:onth )? ?([0-9]{1,2})[ ,]+20([0-9]{2})(?:[-/]([0-9]{2}))?$', 1)
            as month_number,
        regexp_extract(main, '^20([0-9]{2})(?: (?:survey|results))?$', 1) as calendar_year,
        coalesce(
            nullif(regexp_extract(main, '^q(?:uarter )?[1-4][ ,]+20([0-9]{2})(?:[-/]([0-9]{2}))?$', 1), ''),
            nullif(
                regexp_extract(main, '^(?:to )?m(?:onth )? ?[0-9]{1,2}[ ,]+20([0-9]{2})(?:[-/]([0-9]{2}))?$', 1), ''
            ),
            regexp_extract(
                main, '^(?:year to date |ytd |fy )?(?:20)?([0-9]{2})[-/](?:20)?([0-9]{2})(?: (?:plan|ytd))?$', 1
            )
        ) as financial_year,
        coalesce(
            nullif(regexp_extract(main, '^q(?:uarter )?[1-4][ ,]+20([0-9]{2})(?:[-/]([0-9]{2}))?$', 2), ''),
            nullif(
                regexp_extract(main, '^(?:to )?m(?:onth )? ?[0-9]{1,2}[ ,]+20([0-9]{2})(?:[-/]([0-9]{2}))?$', 2), ''
            ),
            regexp_extract(
                main, '^(?:year to date |ytd |fy )?(?:20)?([0-9]{2})[-/](?:20)?([0-9]{2})(?: (?:plan|ytd))?$', 2
            )
        ) as year_after
    from parts
),

counted as (
    select
        period,
        compared_with,
        position(last_month in 'janfebmaraprmayjunjulaugsepoctnovdec') as last_place,
        position(first_month in 'janfebmaraprmayjunjulaugsepoctnovdec') as first_place,
        (2000 + try_cast(last_year as integer)) * 12 as last_from,
        (2000 + try_cast(first_year as integer)) * 12 as first_from,
        (2000 + try_cast(coalesce(nullif(iso_year, ''), dated_year) as integer)) * 12
        + try_cast(coalesce(nullif(iso_month, ''), dated_month) as integer) as dated,
        date '1899-12-30' + try_cast(serial_day as integer) as day_counted,
        try_cast(quarter_number as integer) as quarter_number,
        try_cast(month_number as integer) as month_number,
        (2000 + try_cast(calendar_year as integer)) * 12 as calendar_from,
        (2000 + try_cast(financial_year as integer)) * 12 + 3 as financial_from,
        -- "2025/27" names no financial year
        year_after = '' or (try_cast(financial_year as integer) + 1) % 100 = try_cast(year_after as integer)
            as is_a_financial_year,
        last_month,
        first_month
    from matched
),

read as (
    select
        period,
        compared_with,
        coalesce(
            case when last_month <> '' and last_place % 3 = 1 then last_from + (last_place + 2) // 3 end,
            dated,
            year(day_counted) * 12 + month(day_counted),
            case
                when is_a_financial_year
                    then
                        financial_from
                        + coalesce(3 * quarter_number, month_number, case when calendar_from is null then 12 end)
            end,
            calendar_from + 12
        ) as end_month,
        case when first_month <> '' and first_place % 3 = 1 then first_from + (first_place + 2) // 3 end
            as start_month
    from counted
),

-- Two texts are the same period if they say the same months; one that says none is compared as it stands.
understood as (
    select
        period,
        end_month,
        case
            when end_month is null then regexp_replace(lower(period), '[^\p{L}\p{N}]', '', 'g')
            else end_month || ' ' || coalesce(start_month, 0) || ' '
                || regexp_replace(compared_with, '[^\p{L}\p{N}]', '', 'g')
        end as period_key
    from read
),

judged as (
    select
        landed.*,
        understood.end_month,
        understood.period_key,
        kind.period as kind_of_period,
        kind.least_months_old,
        kind.most_months_old,
        kind.moves_every_quarter,
        (cast(left(landed.quarter, 4) as integer) * 12 + 3 + 3 * cast(right(landed.quarter, 1) as integer))
        - understood.end_month as months_old
    from landed
    inner join understood using (period)
    left join methodology.metric as metric
        on landed.framework = metric.framework and landed.metric_id = metric.metric_id
    left join reference.period_kind as kind
        on case when landed.metric_id like 'OF0%' then metric.period else 'quarter' end = kind.period
),

fitted as (
    select
        *,
        months_old between least_months_old and most_months_old as fits
    from judged
),

totalled as (
    select
        *,
        sum(times_found) over (
            partition by quarter, extract_id, metric_id, period_key
        ) as rows_of_the_period
    from fitted
),

with_the_usual as (
    select
        *,
        first_value(period) over usual_first as usual_period,
        first_value(period_key) over usual_first as usual_key,
        first_value(end_month) over usual_first as usual_end_month,
        row_number() over usual_first as place,
        first_value(period) over quarters_usual_first as quarters_usual_period,
        first_value(end_month) over quarters_usual_first as quarters_usual_end_month
    from totalled
    window
        usual_first as (
            partition by quarter, extract_id, metric_id
            order by rows_of_the_period desc, coalesce(fits, false) desc, period_key, period
        ),
        quarters_usual_first as (
            partition by quarter, metric_id
            order by
                end_month is null,
                coalesce(fits, false) desc,
                rows_of_the_period desc,
                period_key,
                period,
                extract_id
        )
)

select
    here.quarter,
    coalesce(files.file_name, 'unknown file') as file_name,
    here.source_row,
    here.table_name,
    here.organisation_code,
    here.metric_id,
    here.period,
    here.times_found,
    here.usual_period,
    here.quarters_usual_period,
    here.kind_of_period,
    here.months_old,
    before.quarter_before,
    before.period_before,
    -- Another month than the rest have, and one that this metric can't have in this quarter.
    case when here.period_key <> here.usual_key and here.end_month <> here.usual_end_month then here.fits end
        as other_period_is_possible,
    here.period_key = here.usual_key as period_agrees,
    case when here.place = 1 then here.fits end as period_fits_the_quarter,
    case when here.place = 1 and here.end_month is not null then here.end_month = here.quarters_usual_end_month end
        as tables_agree,
    case
        when here.place = 1 and earlier.end_month is not null and here.end_month is not null
            then
                here.end_month > earlier.end_month
                or (here.end_month = earlier.end_month and not coalesce(here.moves_every_quarter, false))
    end as period_moved_on
from with_the_usual as here
left join files using (extract_id)
left join before
    on here.quarter = before.quarter and here.table_name = before.table_name and here.metric_id = before.metric_id
left join understood as earlier on before.period_before = earlier.period
order by here.quarter, file_name, here.source_row, here.metric_id, here.period
