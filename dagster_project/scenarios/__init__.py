"""A release scored again with other inputs: nowcast and what-if, as equals over apart.py.

No formula of the methodology stands here (dbt/models/scoring), nor SQL of how inputs are replaced
(dbt/models/scenarios).
"""
