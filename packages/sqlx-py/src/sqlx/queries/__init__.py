"""Checked queries: found in source, compared with the database, kept in `.sqlx/`."""
