-- The league table of one kind of organisation, ready to read: icb.
{{ league_table_of('icb') }}
