"""Delivery into a schema of a PostgreSQL database: address and connection, tables, loading and swapping.

What is delivered is decided elsewhere (`delivery/delivered.py`); here is only how this one kind of target takes it in.
"""

from dagster_project.delivery.postgresql.delivery import PostgreSQL

__all__ = ["PostgreSQL"]
