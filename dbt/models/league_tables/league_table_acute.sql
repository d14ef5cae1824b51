-- The league table of one kind of organisation, ready to read: acute.
{{ league_table_of('acute') }}
