"""MySQL and MariaDB: dialect, driver, connections."""
