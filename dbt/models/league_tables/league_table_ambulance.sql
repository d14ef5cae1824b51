-- The league table of one kind of organisation, ready to read: ambulance.
{{ league_table_of('ambulance') }}
