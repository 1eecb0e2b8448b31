"""Proving on SQLite that a column is never NULL."""
