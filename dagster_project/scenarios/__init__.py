"""The same scoring over other inputs: nowcast and what-if.

No formula of the methodology stands here (dbt/models/scoring).
"""
