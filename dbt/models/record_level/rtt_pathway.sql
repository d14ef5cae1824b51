-- Record level: each pathway with its codes in one form, the weekly band that it waits in and, where it is
-- none that can be counted, the reason. Nothing of other rows is looked at.
with

pathway as (

    select * from {{ source('records', 'rtt_pathway') }}

),

pathway_parameter as (

    select * from {{ ref('pathway_parameter') }}

),

rule as (

    select
        max(case when parameter = 'longest_wait_weeks' then value end) as longest_wait_weeks,
        max(case when parameter = 'stopped_on_census_day_is_waiting' then value end) as stopped_on_day,
        max(case when parameter = 'started_on_census_day_is_waiting' then value end) as started_on_day
    from pathway_parameter

),

folded as (

    select
        file_name,
        source_row,
        pathway_id,
        {{ folded_code('provider_code') }} as provider_code,
        provider_name,
        {{ folded_code('commissioner_code') }} as commissioner_code,
        {{ folded_code('treatment_function_code') }} as treatment_function_code,
        clock_start_date,
        clock_stop_date,
        snapshot_date,
        {{ days_between('clock_start_date', 'snapshot_date') }} as days_waited
    from pathway

),

final as (

    select
        folded.file_name,
        folded.source_row,
        folded.pathway_id,
        folded.provider_code,
        folded.provider_name,
        folded.commissioner_code,
        folded.treatment_function_code,
        folded.clock_start_date,
        folded.clock_stop_date,
        folded.snapshot_date,
        -- over 17 and up to 18 weeks is the publisher's band Gt 17 To 18: a week's last day belongs to it
        cast(
            case
                when folded.days_waited < 1 then 0
                when folded.days_waited > 728 then 104
                else floor((folded.days_waited - 1) / 7.0)
            end as integer
        ) as weeks,
        case
            when {{ is_blank('folded.pathway_id') }} then 'no pathway id'
            when coalesce(folded.provider_code, '') = '' then 'no provider code'
            when not {{ is_code('folded.provider_code') }}
                then 'the provider code is none that ODS gives'
            when coalesce(folded.commissioner_code, '') = '' then 'no commissioner code'
            when not {{ is_code('folded.commissioner_code') }}
                then 'the commissioner code is none that ODS gives'
            when coalesce(folded.treatment_function_code, '') = '' then 'no treatment function'
            when not {{ is_treatment_function('folded.treatment_function_code') }}
                then 'the treatment function is none of the publisher''s'
            when folded.snapshot_date is null then 'no census day'
            when folded.snapshot_date <> last_day(folded.snapshot_date)
                then 'the census is not on the last day of a month'
            when folded.clock_start_date is null then 'no clock start'
            when folded.days_waited < 0 then 'the clock starts after the census'
            when folded.days_waited = 0 and rule.started_on_day = 0
                then 'the clock starts on the day of the census'
            when folded.clock_stop_date < folded.clock_start_date then 'the clock stops before it starts'
            when folded.clock_stop_date < folded.snapshot_date then 'the clock stopped before the census'
            when folded.clock_stop_date = folded.snapshot_date and rule.stopped_on_day = 0
                then 'the clock stopped on the day of the census'
            when folded.days_waited > rule.longest_wait_weeks * 7
                then 'the clock started longer ago than anybody can have waited'
        end as reason
    from folded
    cross join rule

)

select * from final
