-- One row per figure of the quarters in scope that was set against the publisher's, with the row it was
-- read from.
with files as (
    select
        extract_id,
        min(file_name) as file_name
    from landing.extract
    group by extract_id
),

published_rows as (
    select
        landed.quarter,
        landed.organisation_code,
        landed.figure as published_figure,
        min({ 'source': landed.source, 'file_name': files.file_name, 'source_row': landed.source_row })
            as first
    from landing.extract_row as landed
    inner join run.quarter_in_scope using (quarter)
    left join files using (extract_id)
    group by landed.quarter, landed.organisation_code, landed.figure
)

select
    reconciliation.quarter,
    reconciliation.table_name,
    reconciliation.organisation_code,
    reconciliation.figure,
    reconciliation.computed,
    reconciliation.published,
    reconciliation.difference,
    reconciliation.tolerance,
    coalesce(reconciliation.outcome, 'no outcome') as outcome,
    reconciliation.reason,
    coalesce(struct_extract(published_rows.first, 'file_name'), 'no file') as file_name,
    struct_extract(published_rows.first, 'source_row') as source_row
from league.reconciliation as reconciliation
inner join run.quarter_in_scope using (quarter)
left join published_rows
    on
        reconciliation.quarter = published_rows.quarter
        and reconciliation.organisation_code = published_rows.organisation_code
        and split_part(reconciliation.figure, '.', 1) = published_rows.published_figure
order by
    reconciliation.quarter, reconciliation.table_name, reconciliation.organisation_code, reconciliation.figure
