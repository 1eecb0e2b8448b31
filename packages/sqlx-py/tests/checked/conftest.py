"""The drivers in turn, on one database that the tests of this folder share."""

from __future__ import annotations

from typing import TYPE_CHECKING

import psycopg
import pytest
from checked.clients import CLIENTS, ON_MYSQL, ON_POSTGRES, Client, opened
from mysql_server import connect

if TYPE_CHECKING:
    from collections.abc import Iterator

    from mysql_server import Server

    from sqlx.testing import DatabaseFactory

SCHEMA = """
CREATE TYPE tier AS ENUM ('free', 'pro');
CREATE TYPE place AS (street TEXT, number INT);
CREATE DOMAIN score AS INT;
CREATE DOMAIN answer AS BOOL;
CREATE TABLE users (
    id INT PRIMARY KEY,
    email TEXT NOT NULL,
    tier TIER NOT NULL DEFAULT 'free',
    nick TEXT,
    flag BOOL NOT NULL DEFAULT TRUE
);
INSERT INTO users (id, email, tier) VALUES (1, 'a@x', 'free'), (2, 'b@x', 'pro');
UPDATE users SET nick = 'bee' WHERE id = 2;
CREATE TABLE written (id INT PRIMARY KEY);
"""
MYSQL = """
CREATE TABLE users (
    id INT PRIMARY KEY,
    email VARCHAR(100) NOT NULL,
    tier ENUM('free', 'pro') NOT NULL DEFAULT 'free',
    nick TEXT,
    flag BOOL NOT NULL DEFAULT TRUE
);
INSERT INTO users (id, email, tier) VALUES (1, 'a@x', 'free'), (2, 'b@x', 'pro');
UPDATE users SET nick = 'bee' WHERE id = 2;
CREATE TABLE written (id INT PRIMARY KEY);
"""


@pytest.fixture(scope="session")
def words(db_factory: DatabaseFactory, sqlx_server: str) -> str:
    """Make the database, and tell where it is."""
    words = db_factory.create(migrations=False, database=sqlx_server)
    with psycopg.connect(words, autocommit=True) as connection:
        connection.execute(SCHEMA.encode())
    return words


@pytest.fixture(scope="session")
def mysql_url(mariadb: Server) -> str:
    """Make the database on MariaDB, and tell where it is."""
    mariadb.ask("CREATE DATABASE checked")
    url = mariadb.url("checked")
    with connect(url) as connection, connection.cursor() as cursor:
        cursor.execute(MYSQL)
    return url


@pytest.fixture(scope="module", params=CLIENTS)
def client(request: pytest.FixtureRequest) -> Iterator[Client]:
    """Each driver in turn."""
    place = "mysql_url" if request.param in ON_MYSQL else "words"
    with opened(request.param, request.getfixturevalue(place)) as client:
        yield client


@pytest.fixture(scope="module", params=ON_POSTGRES)
def on_server(request: pytest.FixtureRequest, words: str) -> Iterator[Client]:
    """Each driver of PostgreSQL in turn."""
    with opened(request.param, words) as client:
        yield client


@pytest.fixture(scope="module", params=ON_MYSQL)
def on_mysql_client(request: pytest.FixtureRequest, mysql_url: str) -> Iterator[Client]:
    """Each driver of MySQL in turn."""
    with opened(request.param, mysql_url) as client:
        yield client


@pytest.fixture
def psycopg_connection(words: str) -> Iterator[psycopg.Connection]:
    """Connect with psycopg, as it is by default: not in autocommit."""
    with psycopg.connect(words) as connection:
        yield connection
        connection.rollback()
