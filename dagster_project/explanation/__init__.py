"""Why a released figure is what it is: recomputed from the raw bytes, and shown step by step.

The released figures themselves aren't made here (dbt), nor compared with the publisher's (audit).
"""
