"""PostgreSQL: its dialect and its driver, psycopg 3."""
