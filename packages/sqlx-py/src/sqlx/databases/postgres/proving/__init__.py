"""Proving on PostgreSQL that a column is never NULL."""
