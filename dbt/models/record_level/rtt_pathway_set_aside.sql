-- Record level: every row that should say more or something else to be counted, with the reason.
-- Pathways that have ended lack nothing: they are only numbers (rtt_reason).
with

pathway as (

    select * from {{ ref('rtt_pathway') }}
    where reason is not null and not {{ has_ended('reason') }}

),

repeated as (

    select * from {{ ref('rtt_repeated_row') }}

),

final as (

    {% for model in ('pathway', 'repeated') -%}
        select
            file_name,
            source_row,
            pathway_id,
            provider_code,
            commissioner_code,
            treatment_function_code,
            clock_start_date,
            clock_stop_date,
            snapshot_date,
            reason
        from {{ model }}
        {% if not loop.last %}union all{% endif %}
    {% endfor %}
)

select * from final
