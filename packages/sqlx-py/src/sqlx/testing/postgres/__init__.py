"""PostgreSQL: a test's database is a clone of a sealed template."""
