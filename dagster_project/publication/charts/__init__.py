"""Charts: what each shows, from released rows to an accessible SVG. Pages place them and don't draw."""
