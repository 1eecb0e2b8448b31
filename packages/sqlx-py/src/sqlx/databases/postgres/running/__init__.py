"""Calling psycopg and asyncpg for checked queries."""
