"""Calling sqlite3 for checked queries."""
