-- Movement of the average: what each metric's score, weight, coming or going adds to the change, by cause, in
-- the order of `step`. What twelve places can't hold is a row of its own, so that shares add up exactly.
with

metric_score_pair as (

    select * from {{ ref('metric_score_pair') }}

),

metric_score_step as (

    select * from {{ ref('metric_score_step') }}

),

league_table_pair as (

    select * from {{ ref('league_table_pair') }}
    where is_before and is_after

),

joined as (

    select
        metric_score_pair.quarter,
        metric_score_pair.release_id,
        metric_score_pair.release_id_before,
        metric_score_pair.table_name,
        metric_score_pair.organisation_code,
        metric_score_pair.metric_id,
        metric_score_pair.is_before and metric_score_pair.enters_average_before as enters_before,
        metric_score_pair.is_after and metric_score_pair.enters_average_after as enters_after,
        metric_score_pair.weight_units_before,
        metric_score_pair.weight_units_after,
        metric_score_pair.score_entering_average_before as entering_before,
        metric_score_pair.score_entering_average_after as entering_after,
        {% for step in ('rule', 'value', 'pool') -%}
            case
                when metric_score_step.score_after_{{ step }} = metric_score_step.score_after
                    then metric_score_pair.score_entering_average_after
                else {{ half_up_to(
                    'metric_score_step.score_after_' ~ step,
                    'metric_score_step.enters_at_dp'
                ) }}
            end as entering_after_{{ step }}
            {%- if not loop.last %},
            {% endif %}
        {%- endfor %}
    from metric_score_pair
    left join metric_score_step
        on {{ same_metric_of_pair('metric_score_pair', 'metric_score_step') }}

),

weighed as (

    select
        quarter,
        release_id,
        release_id_before,
        table_name,
        organisation_code,
        sum(case when enters_before then weight_units_before end) as weight_before,
        sum(case when enters_before and enters_after then weight_units_before end) as common_weight_before,
        sum(case when enters_before and enters_after then weight_units_before * entering_before end)
            as common_score_before,
        sum(case when enters_after then weight_units_after end) as weight_after,
        sum(case when enters_before and enters_after then weight_units_after end) as common_weight_after,
        sum(case when enters_before and enters_after then weight_units_after * entering_after end)
            as common_score_after
    from joined
    group by quarter, release_id, release_id_before, table_name, organisation_code

),

-- without any metric in common nothing but those that came in explains the new average
averaged as (

    select
        weighed.*,
        league_table_pair.average_metric_score_exact_before as average_before,
        league_table_pair.average_metric_score_exact_after as average_after,
        {{ exact("""coalesce(
            cast(weighed.common_score_before as double) / weighed.common_weight_before,
            league_table_pair.average_metric_score_exact_before
        )""") }} as common_average_before,
        {{ exact("""coalesce(
            cast(weighed.common_score_after as double) / weighed.common_weight_after,
            league_table_pair.average_metric_score_exact_before
        )""") }} as common_average_after
    from weighed
    inner join league_table_pair
        on {{ same_organisation_of_pair('weighed', 'league_table_pair') }}

),

share_by_step as (

    select
        joined.quarter,
        joined.release_id,
        joined.release_id_before,
        joined.table_name,
        joined.organisation_code,
        joined.metric_id,
        {{ exact("""case
            when joined.enters_before and not joined.enters_after
                then cast(
                    joined.weight_units_before * (averaged.common_average_before - joined.entering_before) as double
                ) / averaged.weight_before
        end""") }} as metric_out,
        {{ exact("""case
            when joined.enters_before and joined.enters_after
                then
                    cast(joined.weight_units_after * (joined.entering_after_rule - joined.entering_before) as double)
                    / averaged.common_weight_after
                    + (
                        cast(joined.weight_units_after as double) / averaged.common_weight_after
                        - cast(joined.weight_units_before as double) / averaged.common_weight_before
                    ) * cast(joined.entering_before - averaged.common_average_before as double)
        end""") }} as rule,
        {{ exact("""case
            when joined.enters_before and joined.enters_after
                then
                    cast(joined.weight_units_after * (joined.entering_after_value - joined.entering_after_rule) as double)
                    / averaged.common_weight_after
        end""") }} as value,
        {{ exact("""case
            when joined.enters_before and joined.enters_after
                then
                    cast(joined.weight_units_after * (joined.entering_after_pool - joined.entering_after_value) as double)
                    / averaged.common_weight_after
        end""") }} as pool,
        {{ exact("""case
            when joined.enters_before and joined.enters_after
                then
                    cast(joined.weight_units_after * (joined.entering_after - joined.entering_after_pool) as double)
                    / averaged.common_weight_after
        end""") }} as others_moved,
        {{ exact("""case
            when joined.enters_after and not joined.enters_before
                then cast(
                    joined.weight_units_after * (joined.entering_after - averaged.common_average_after) as double
                ) / averaged.weight_after
        end""") }} as metric_in
    from joined
    inner join averaged
        on {{ same_organisation_of_pair('joined', 'averaged') }}

),

share as (

    {% for step in ('metric_out', 'rule', 'value', 'pool', 'others_moved', 'metric_in') -%}
        select
            quarter,
            release_id,
            release_id_before,
            table_name,
            organisation_code,
            metric_id,
            {{ loop.index }} as step,
            '{{ step }}' as cause,
            {{ step }} as share
        from share_by_step
        where {{ step }} <> 0
        {% if not loop.last %}union all{% endif %}
    {% endfor %}
),

shares_of_organisation as (

    select
        quarter,
        release_id,
        release_id_before,
        table_name,
        organisation_code,
        sum(share) as shares
    from share
    group by quarter, release_id, release_id_before, table_name, organisation_code

),

final as (

    select
        quarter,
        release_id,
        release_id_before,
        table_name,
        organisation_code,
        metric_id,
        step,
        cause,
        share
    from share
    union all
    select
        averaged.quarter,
        averaged.release_id,
        averaged.release_id_before,
        averaged.table_name,
        averaged.organisation_code,
        cast(null as string) as metric_id,
        6 as step,
        'rounding' as cause,
        {{ exact("""
            averaged.average_after - averaged.average_before - coalesce(shares_of_organisation.shares, 0)
        """) }} as share
    from averaged
    left join shares_of_organisation
        on {{ same_organisation_of_pair('averaged', 'shares_of_organisation') }}
    where
        averaged.average_after - averaged.average_before <> coalesce(shares_of_organisation.shares, 0)

)

select * from final
