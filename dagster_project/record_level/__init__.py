"""Patient-level rows: what they must hold, and how they are counted into what a publisher would give of them.

The counting is SQL (`dbt/models/record_level/`); what is made of counts isn't here but in every run (`extracts/`).
"""
