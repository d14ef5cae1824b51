"""The nowcast: the league tables of a quarter that isn't published yet, never mixed with releases."""
