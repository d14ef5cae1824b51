-- The league table of one kind of organisation, ready to read: non-acute.
{{ league_table_of('non_acute') }}
