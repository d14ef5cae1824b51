-- Record level: every row that is not counted, with the reason: none is left out in silence.
with

pathway as (

    select * from {{ ref('rtt_pathway') }}
    where reason is not null

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
