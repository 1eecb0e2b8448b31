"""SQLite: its dialect and its driver, the standard library's."""
