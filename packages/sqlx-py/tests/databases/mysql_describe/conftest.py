"""A database with the schema of the golden cases."""

from __future__ import annotations

from typing import TYPE_CHECKING

import mysql_server
import pytest
from databases.mysql_describe.golden import SCHEMA

from sqlx.config.url import MySqlUrl, parse_url
from sqlx.databases.mysql.connect import Place, connect
from sqlx.databases.reach import Reach

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sqlx.databases.mysql.connect import Connection


@pytest.fixture(scope="session")
def described_url(mariadb: mysql_server.Server) -> str:
    """Make the database; give its URL."""
    mariadb.ask("CREATE DATABASE described")
    url = mariadb.url("described")
    with mysql_server.connect(url) as connection, connection.cursor() as cursor:
        cursor.execute(SCHEMA)
    return url


@pytest.fixture
def connection(described_url: str) -> Iterator[Connection]:
    """Connect to it as describing does."""
    url = parse_url(described_url, {})
    assert isinstance(url, MySqlUrl)
    with connect(Place(url), Reach(10, lambda _: None)) as opened:
        yield opened
