"""Describing queries on MySQL and MariaDB: what SQLx would say of them."""
