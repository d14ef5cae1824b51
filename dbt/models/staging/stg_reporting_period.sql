-- Step: until when the data of a figure reach, in words that the publisher's files use for periods; empty
-- where the words name no month.
with

figure as (

    select distinct
        quarter,
        reporting_date as period
    from {{ ref('stg_nof_figure') }}
    where reporting_date is not null

),

-- years of two digits are of this century; a financial year is named by the year that it starts in
part as (

    select
        quarter,
        period,
        regexp_extract(period, '([A-Z][a-z]{2})[a-z]*[- ]([0-9]{2})(?: vs .*)?$', 1) as last_month,
        regexp_extract(period, '([A-Z][a-z]{2})[a-z]*[- ]([0-9]{2})(?: vs .*)?$', 2) as last_year,
        regexp_extract(period, '- ([A-Z][a-z]{2})[a-z]*[- ]([0-9]{2}) vs ', 1) as range_month,
        regexp_extract(period, '- ([A-Z][a-z]{2})[a-z]*[- ]([0-9]{2}) vs ', 2) as range_year,
        regexp_extract(period, '^Q([1-4]) (20[0-9]{2})', 1) as quarter_number,
        regexp_extract(period, '^Q([1-4]) (20[0-9]{2})', 2) as quarter_year,
        regexp_extract(period, '^(?:To )?M(?:onth )?([0-9]{1,2}) (20[0-9]{2})', 1) as month_number,
        regexp_extract(period, '^(?:To )?M(?:onth )?([0-9]{1,2}) (20[0-9]{2})', 2) as month_year,
        regexp_extract(period, '^(20[0-9]{2})$', 1) as survey_year,
        regexp_extract(period, '^(20[0-9]{2})/[0-9]{2}', 1) as financial_year,
        period like 'Year to date%' as is_year_to_date,
        cast(substr(quarter, 1, 4) as integer) as start_year,
        cast(substr(quarter, 10, 1) as integer) as quarter_in_year
    from figure

),

named_month as (

    select
        *,
        case when range_month <> '' then range_month else last_month end as month_name,
        case when range_month <> '' then range_year else last_year end as month_in_year
    from part

),

-- months counted from the year 0: the last one of the quarter, and of the data
counted as (

    select
        quarter,
        period,
        start_year * 12 + 3 + 3 * quarter_in_year as quarter_end_month,
        case
            when
                month_name <> ''
                and instr('janfebmaraprmayjunjulaugsepoctnovdec', lower(month_name)) > 0
                then
                    (2000 + cast(month_in_year as integer)) * 12
                    + {{ whole_quotient(
                        "instr('janfebmaraprmayjunjulaugsepoctnovdec', lower(month_name)) + 2", 3
                    ) }}
            when quarter_number <> ''
                then cast(quarter_year as integer) * 12 + 3 + 3 * cast(quarter_number as integer)
            when month_number <> '' then cast(month_year as integer) * 12 + 3 + cast(month_number as integer)
            when survey_year <> '' then cast(survey_year as integer) * 12 + 12
            when financial_year <> '' then cast(financial_year as integer) * 12 + 15
            when is_year_to_date then start_year * 12 + 3 + 3 * quarter_in_year
        end as data_end_month
    from named_month

),

final as (

    select
        quarter,
        period,
        cast(case
            when data_end_month > quarter_end_month then 0
            else quarter_end_month - data_end_month
        end as integer) as months_old
    from counted

)

select * from final
