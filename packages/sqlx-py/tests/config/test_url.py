"""Database URLs of all kinds: the scheme chooses, and no message shows a password."""

from __future__ import annotations

import subprocess
import sys
import traceback
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sqlx.config.url import EmbeddedUrl, MySqlUrl, PostgresUrl, SqliteUrl, parse_url
from sqlx.errors import ConfigurationError

if TYPE_CHECKING:
    from collections.abc import Mapping

NO_ENVIRONMENT: Mapping[str, str] = {}

# Passwords in URLs in which something is wrong, or looks so to a parser. Each piece of
# a password is S3cr3t.
LEAKY_URLS = [
    "",
    "S3cr3t",
    "u:S3cr3t@h:5432/d",
    "//u:S3cr3t@h/d",
    "postgres//u:S3cr3t@h/d",
    "post gres://u:S3cr3t@h/d",
    "foo://u:S3cr3t@h/d",
    "mysql+pymysql://u:S3cr3t@h/d",
    "mysql://u:S3cr3t@h/d",
    "mysql://u:S3cr3t@h/d?nope=1&password=S3cr3t#x",
    "mysql://u:S3cr3t@/d",
    "mysql://u:S3cr3t@h:port/d",
    "mysql://u:S3cr3t%ffS3cr3t@h/d",
    "mysql://u:3306?charset=S3cr3t@h/d",
    "mysql://u:3306?S3cr3t@h/d",
    "mysql://u:S3cr3t/S3cr3t@h/d",
    "mariadb:u:S3cr3t@h/d",
    "postgresql+psycopg://u:S3cr3t@h/d",
    "postgres:u:S3cr3t@h/d",
    "postgres:/u:S3cr3t@h/d",
    "postgres:///u:S3cr3t@h/d",
    "postgres://u:S3cr3t",
    "postgres://u:S3cr3t%zz@h/d",
    "postgres://u:S3cr3t%ffS3cr3t@h/d",
    "postgres://u:S3cr3t%00S3cr3t@h/d",
    "postgres://u:S3cr3t S3cr3t@h/d",
    "postgres://u:S3cr3t/S3cr3t@h/d",
    "postgres://u:S3cr3t#S3cr3t@h/d",
    "postgres://u:S3cr3t?S3cr3t@h/d",
    "postgres://u:5432/S3cr3t@h/d",
    "postgres://u:5432#S3cr3t@h/d",
    "postgres://u:5432?S3cr3t@h/d",
    "postgres://u:5432?x&S3cr3t=1@h/d",
    "postgres://u:5432?sslmode=S3cr3t@h/d",
    "postgres://u:S3cr3t@S3cr3t/S3cr3t@h/d",
    "postgres://u:S3cr3t:S3cr3t@h/d",
    "postgres://u:S3cr3t@S3cr3t@h/d",
    "postgres://u:S3cr3t@h:port/d",
    "postgres://u:S3cr3t@h:99999/d",
    "postgres://u:S3cr3t@/d",
    "postgres://u:S3cr3t@h h/d",
    "postgres://u:S3cr3t@[::1/d",
    "postgres://u:S3cr3t@h/%ff",
    "postgres://u:S3cr3t@h/d?sslmode=x",
    "postgres://u:S3cr3t@h/d?password=S3cr3t%ff",
    "postgres://u@h/d?p%61ssword=S3cr3t&sslpassword=S3cr3t&sslmode=x",
    "postgres://u@h/d?password=S3cr3t&nope=1#x",
    "postgres://u:S3cr3t\ud800@h/d",
]


def shown(url: str) -> str:
    """Give all that a person may see of a URL: its error, or its value."""
    try:
        parsed = parse_url(url, NO_ENVIRONMENT)
    except ConfigurationError as error:
        context = None if error.__suppress_context__ else error.__context__
        return f"{error!r} {context!r} {''.join(traceback.format_exception(error))}"
    warnings = getattr(parsed, "warnings", ())
    return f"{parsed} {parsed!r} {parsed.redacted} {warnings}"


@pytest.mark.parametrize("url", LEAKY_URLS)
def test_no_piece_of_a_password_is_shown(url: str) -> None:
    """Neither an error with its traceback nor a value's repr has a piece of it."""
    assert "S3cr3t" not in shown(url)


@given(st.lists(st.sampled_from(["S3cr3t", *"@:/?#%&=+;,[]\\ '\"\t12"])))
def test_no_piece_of_an_unencoded_password_is_shown(pieces: list[str]) -> None:
    """However a password breaks a URL, its pieces stay out of sight."""
    rest = f"//user:{''.join(pieces)}@host:5432/app?sslmode=required"
    assert "S3cr3t" not in shown(f"postgres:{rest}")
    assert "S3cr3t" not in shown(f"mysql:{rest}")


@pytest.mark.parametrize(
    "url", ["", " ", "foo", "//h/d", "1foo://h", "postgres", "a b:c"]
)
def test_a_url_begins_with_its_scheme(url: str) -> None:
    """A URL without a scheme is refused in SQLx's words, with examples."""
    with pytest.raises(ConfigurationError) as caught:
        parse_url(url, NO_ENVIRONMENT)
    assert str(caught.value) == (
        "error with configuration: relative URL without a base; a database URL begins "
        "with its scheme: postgres://user:password@host:5432/database, "
        "mysql://user:password@host:3306/database, "
        "sqlite://app.db?mode=rwc or embedded:.postgres"
    )


@pytest.mark.parametrize(
    ("scheme", "mend"),
    [
        (
            "foo",
            (
                "write postgres://user:password@host:5432/database, "
                "mysql://user:password@host:3306/database, "
                "sqlite://app.db?mode=rwc or embedded:.postgres"
            ),
        ),
        ("postgresql+psycopg", "leave the driver away: postgresql://"),
        ("mysql+pymysql", "leave the driver away: mysql://"),
        ("mariadb+asyncmy", "leave the driver away: mariadb://"),
        ("sqlite+pysqlite", "leave the driver away: sqlite://"),
    ],
)
def test_a_scheme_without_a_driver(scheme: str, mend: str) -> None:
    """An unknown scheme is refused in SQLx's words, and the mend fits it."""
    with pytest.raises(ConfigurationError) as caught:
        parse_url(f"{scheme.upper()}://u:p@h/d", NO_ENVIRONMENT)
    assert str(caught.value) == (
        f'error with configuration: no driver found for URL scheme "{scheme}"; {mend}'
    )


def test_the_scheme_chooses_the_kind() -> None:
    """Each kind of database has a value of its own."""
    assert isinstance(parse_url("PostgreSQL://h", NO_ENVIRONMENT), PostgresUrl)
    assert isinstance(parse_url("MySQL://h", NO_ENVIRONMENT), MySqlUrl)
    assert isinstance(parse_url("MariaDB://h", NO_ENVIRONMENT), MySqlUrl)
    assert isinstance(parse_url("SQLite:x.db", NO_ENVIRONMENT), SqliteUrl)
    assert isinstance(parse_url("Embedded:x", NO_ENVIRONMENT), EmbeddedUrl)


def test_a_url_that_is_not_utf_8_is_refused() -> None:
    """A variable with other bytes arrives as surrogates, which no driver takes."""
    with pytest.raises(ConfigurationError) as caught:
        parse_url("sqlite:\udcff.db", NO_ENVIRONMENT)
    assert str(caught.value) == (
        "error with configuration: the URL is not valid UTF-8; "
        "percent-encode its other bytes"
    )


@pytest.mark.parametrize(
    ("url", "path", "database"),
    [
        ("embedded:.postgres", ".postgres", "postgres"),
        ("embedded:/srv/pg data", "/srv/pg data", "postgres"),
        ("embedded:///srv/pg%3Fdata", "/srv/pg?data", "postgres"),
        ("embedded://data/pg?dbname=my+app", "data/pg", "my app"),
    ],
)
def test_an_embedded_server_lives_in_a_directory(
    url: str, path: str, database: str
) -> None:
    """Its URL is a path, relative to the working directory, and perhaps a database."""
    assert parse_url(url, NO_ENVIRONMENT) == EmbeddedUrl(path, database, url)


def test_another_database_of_an_embedded_server() -> None:
    """Only the database changes, in the field and in the text for messages."""
    url = parse_url("embedded:.pg?dbname=app", NO_ENVIRONMENT)
    assert isinstance(url, EmbeddedUrl)
    assert url.with_database("a b") == EmbeddedUrl(
        ".pg", "a b", "embedded:.pg?dbname=a%20b"
    )


@pytest.mark.parametrize("url", ["embedded:", "embedded://", "embedded:?dbname=app"])
def test_an_embedded_server_needs_a_directory(url: str) -> None:
    """An empty path is refused with an example."""
    with pytest.raises(ConfigurationError) as caught:
        parse_url(url, NO_ENVIRONMENT)
    assert str(caught.value) == (
        "error with configuration: embedded: names no directory; "
        "say where the server keeps its data: embedded:.postgres"
    )


@pytest.mark.parametrize(("query", "name"), [("user=u", "user"), ("dbname=", "dbname")])
def test_an_embedded_server_has_one_parameter(query: str, name: str) -> None:
    """All but the database's name is refused."""
    with pytest.raises(ConfigurationError) as caught:
        parse_url(f"embedded:.pg?{query}", NO_ENVIRONMENT)
    assert str(caught.value) == (
        f"error with configuration: unknown query parameter `{name}` while parsing "
        "connection URL; an embedded PostgreSQL has one: embedded:.postgres?dbname=app"
    )


def test_reading_urls_imports_no_driver_and_no_network() -> None:
    """The module stays light: `sqlx` starts with it."""
    program = (
        "import sys, sqlx.config.url, sqlx.config.settings, sqlx.config.dotenv\n"
        "heavy = {'psycopg', 'pymysql', 'sqlite3', 'socket', 'urllib', 'tomllib',"
        " 'ipaddress', 'pathlib'}\n"
        "print(sorted(heavy & set(sys.modules)))"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    )
    assert done.stdout == "[]\n"
