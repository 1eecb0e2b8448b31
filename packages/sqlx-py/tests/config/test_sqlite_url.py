"""SQLite's URLs: what is read, and what SQLite makes of it."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sqlx.config.grammar import encode
from sqlx.config.url import SqliteUrl, parse_url
from sqlx.errors import ConfigurationError

if TYPE_CHECKING:
    from pathlib import Path


def read(url: str) -> SqliteUrl:
    """Parse a URL of SQLite."""
    parsed = parse_url(url, {})
    assert isinstance(parsed, SqliteUrl)
    return parsed


def open_database(url: str) -> sqlite3.Connection:
    """Open what a URL names."""
    return sqlite3.connect(read(url).uri(), uri=True)


@pytest.mark.parametrize(
    ("url", "path"),
    [
        ("sqlite:x.db", "x.db"),
        ("sqlite://x.db", "x.db"),
        ("sqlite://./dir/x.db", "./dir/x.db"),
        ("sqlite:/x.db", "/x.db"),
        ("sqlite:///x.db", "/x.db"),
        ("SQLITE:///x.db", "/x.db"),
        ("sqlite:////x.db", "//x.db"),
        ("sqlite://sqlite://sqlite:x.db", "x.db"),
        ("sqlite://a b%3F%23%25c.db", "a b?#%c.db"),
        ("sqlite://100%.db", "100%.db"),
        ("sqlite:x.db#1", "x.db#1"),
        ("sqlite:", ""),
        ("sqlite://", ""),
    ],
)
def test_a_url_names_a_file(url: str, path: str) -> None:
    """With or without slashes, what follows the scheme is a file's name."""
    assert read(url) == SqliteUrl(path, url.replace("SQLITE", "sqlite"))


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("", SqliteUrl("a", "")),
        ("mode=ro", SqliteUrl("a", "", mode="ro")),
        ("mode=rw", SqliteUrl("a", "", mode="rw")),
        ("mode=rwc&", SqliteUrl("a", "", mode="rwc")),
        (
            "mode=memory",
            SqliteUrl("a", "", in_memory=True, mode="memory", cache="shared"),
        ),
        (
            "mode=memory&cache=private",
            SqliteUrl("a", "", in_memory=True, mode="memory", cache="private"),
        ),
        ("cache=shared", SqliteUrl("a", "", cache="shared")),
        ("immutable=true", SqliteUrl("a", "", immutable=True)),
        ("immutable=1", SqliteUrl("a", "", immutable=True)),
        ("immutable=true&immutable=false", SqliteUrl("a", "")),
        ("immutable=0", SqliteUrl("a", "")),
        ("vfs=unix-none", SqliteUrl("a", "", vfs="unix-none")),
    ],
)
def test_parameters(query: str, expected: SqliteUrl) -> None:
    """Each parameter of SQLx is read; the last one counts."""
    url = f"sqlite:a?{query}"
    fields = {name: getattr(read(url), name) for name in SqliteUrl.__slots__}
    assert SqliteUrl(**(fields | {"redacted": ""})) == expected


def test_databases_in_memory() -> None:
    """Connections of one value share a database, those of two values do not."""
    one, other = read("sqlite::memory:"), read("sqlite::memory:")
    assert one.in_memory
    assert one.cache == "shared"
    assert one.path != other.path
    with (
        closing(sqlite3.connect(one.uri(), uri=True)) as first,
        closing(sqlite3.connect(one.uri(), uri=True)) as second,
        closing(sqlite3.connect(other.uri(), uri=True)) as third,
    ):
        first.execute("CREATE TABLE t (id INTEGER)")
        tables = "SELECT count(*) FROM sqlite_master"
        assert second.execute(tables).fetchall() == [(1,)]
        assert third.execute(tables).fetchall() == [(0,)]


def test_the_mode_decides_about_creation(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A file is made with mode rwc only; ro refuses writes."""
    monkeypatch.chdir(tmp_path)
    for mode in ("ro", "rw"):
        with pytest.raises(sqlite3.OperationalError, match="unable to open"):
            open_database(f"sqlite:new.db?mode={mode}")
    assert not (tmp_path / "new.db").exists()
    with closing(open_database("sqlite:new.db?mode=rwc")) as database:
        database.execute("CREATE TABLE t (id INTEGER)")
    with (
        closing(open_database("sqlite:new.db?mode=ro")) as database,
        pytest.raises(sqlite3.OperationalError, match="readonly"),
    ):
        database.execute("CREATE TABLE u (id INTEGER)")


def test_parameters_reach_sqlite(tmp_path: Path) -> None:
    """An unknown VFS is SQLite's own error, and an immutable file is not written."""
    url = f"sqlite:{tmp_path}/a.db"
    with pytest.raises(sqlite3.OperationalError, match="no such vfs: a&b"):
        open_database(f"{url}?vfs=a%26b")
    with closing(open_database(f"{url}?mode=rwc")) as database:
        database.execute("CREATE TABLE t (id INTEGER)")
    with (
        closing(open_database(f"{url}?immutable=1&cache=shared")) as database,
        pytest.raises(sqlite3.OperationalError, match="readonly"),
    ):
        database.execute("CREATE TABLE u (id INTEGER)")


def test_an_empty_name_is_a_temporary_database(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It can be written and leaves no file."""
    monkeypatch.chdir(tmp_path)
    with closing(open_database("sqlite://")) as database:
        database.execute("CREATE TABLE t (id INTEGER)")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    "name",
    ["a?b.db", "a#b.db", "a%b.db", "a%41.db", "a b+c&d=e.db", "é'\".db", "\\.db"],
)
@pytest.mark.parametrize("slashes", ["", "//"])
def test_any_name_reaches_the_file(tmp_path: Path, name: str, slashes: str) -> None:
    """A name that is percent-encoded names that very file, under two slashes too."""
    place = encode(f"{slashes}{tmp_path}/{name}")
    with closing(open_database(f"sqlite:{place}?mode=rwc")) as database:
        database.execute("CREATE TABLE t (id INTEGER)")
    assert [path.name for path in tmp_path.iterdir()] == [name]


@given(st.text(st.characters(exclude_characters="\0", codec="utf-8"), min_size=1))
def test_a_name_that_is_encoded_reads_back(name: str) -> None:
    """Percent-encoding carries any name."""
    assert read(f"sqlite:./{encode(name)}").path == f"./{name}"


@pytest.mark.parametrize(
    ("url", "message"),
    [
        (
            "sqlite://:memory:",
            "empty host; a database in memory is sqlite::memory:",
        ),
        (
            "sqlite:x.db?foo=1",
            (
                "unknown query parameter `foo` while parsing connection URL; SQLite's "
                "are mode, cache, immutable and vfs; in a file name write ? as %3F"
            ),
        ),
        (
            "sqlite:x.db?mode",
            'unknown value "" for `mode`; choose one of ro, rw, rwc, memory',
        ),
        (
            "sqlite:x.db?cache=none",
            'unknown value "none" for `cache`; choose one of private, shared',
        ),
        (
            "sqlite:x.db?immutable=yes",
            'unknown value "yes" for `immutable`; choose one of true, 1, false, 0',
        ),
        (
            "sqlite:a%ff.db",
            (
                "invalid utf-8 sequence of 1 bytes from index 1; the file name is to "
                "be UTF-8, percent-encoded: é is %C3%A9"
            ),
        ),
        ("sqlite:a%00.db", "the file name holds a NUL byte; take the %00 out"),
    ],
)
def test_a_refusal_says_what_is_wrong_and_what_is_right(url: str, message: str) -> None:
    """SQLx's words come first, then the mend."""
    with pytest.raises(ConfigurationError) as caught:
        read(url)
    assert str(caught.value) == f"error with configuration: {message}"
