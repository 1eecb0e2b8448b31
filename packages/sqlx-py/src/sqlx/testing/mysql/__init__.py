"""MySQL and MariaDB: a test's database is written anew, by what a template has."""
