"""Where the test databases are, and how a server is written as a URL."""

from __future__ import annotations

import copy
import os
import pickle
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest
from psycopg.conninfo import conninfo_to_dict

from sqlx.config.url import (
    EmbeddedUrl,
    MySqlUrl,
    PostgresUrl,
    SqliteUrl,
    parse_url,
)
from sqlx.errors import ConfigurationError
from sqlx.testing import places
from sqlx.testing.places import (
    SecretUrl,
    configured,
    embedded_folder,
    mysql_url_of,
    place,
    shown,
    url_of,
)

if TYPE_CHECKING:
    from pathlib import Path

URL = "postgres://u@h/d"
NO_MYSQL = (
    "database 'mysql': there is no embedded one; name a server, as in "
    "database='mysql://user:password@host'"
)
MYSQL = "mysql://u:***@h/d"
TOML = '[common]\ndatabase-url-var = "OTHER_URL"\n'


@pytest.mark.parametrize(
    ("ini", "files", "environ", "chosen"),
    [
        ("", {}, {}, ""),
        ("sqlite", {}, {"DATABASE_URL": URL}, "sqlite"),
        ("embedded:x", {}, {}, "embedded:x"),
        ("", {}, {"DATABASE_URL": URL}, URL),
        ("", {}, {"DATABASE_URL": ""}, ""),
        ("", {}, {"DATABASE_URL": "embedded:.postgres"}, ""),
        ("", {}, {"DATABASE_URL": " Embedded:.postgres"}, ""),
        ("", {".env": f"DATABASE_URL={URL}\n"}, {}, URL),
        ("", {".env": "DATABASE_URL=embedded:.postgres\n"}, {}, ""),
        ("", {".env": "DATABASE_URL=sqlite:a\n"}, {"DATABASE_URL": URL}, URL),
        ("", {"sqlx.toml": TOML}, {"DATABASE_URL": URL}, ""),
        ("", {"sqlx.toml": TOML}, {"OTHER_URL": URL}, URL),
        ("", {"sqlx.toml": TOML, ".env": f"OTHER_URL={URL}\n"}, {}, URL),
    ],
)
def test_the_server_is_the_first_that_is_named(
    tmp_path: Path,
    ini: str,
    files: dict[str, str],
    environ: dict[str, str],
    chosen: str,
) -> None:
    """First what pytest is told, then SQLx's variable, if it is not embedded."""
    for name, text in files.items():
        (tmp_path / name).write_text(text)
    assert configured(ini, str(tmp_path), environ) == chosen


@pytest.fixture
def memory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Let a folder of the test's own be what is in memory, with room for a server."""
    folder = tmp_path / "shm"
    folder.mkdir()
    monkeypatch.setattr(places, "MEMORY", str(folder))
    monkeypatch.setattr(places, "ENOUGH_BYTES", 0)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    return folder


def ours(memory: Path) -> Path:
    """Name the folder of this user's server."""
    return memory / f"sqlx-py-test-{os.geteuid()}-18"


@pytest.mark.parametrize(
    ("wanted", "usual", "found"),
    [
        ("", "", "memory"),
        ("embedded", URL, "memory"),
        ("postgres", "", "memory"),
        ("postgresql", "sqlite", "memory"),
        ("postgres", "POSTGRES://u@h/d", "postgres://u@h/d"),
        ("postgres", "postgres", "memory"),
        ("", "embedded", "memory"),
        ("", "embedded:here", "here"),
        ("postgres", "embedded:here", "here"),
        ("embedded:there", "embedded:here", "there"),
        ("", URL, URL),
        ("postgres", URL, URL),
        (URL, "sqlite", URL),
        ("sqlite", URL, "sqlite"),
        ("", "sqlite", "sqlite"),
        ("sqlite::memory:", URL, "sqlite in memory"),
        ("", MYSQL, MYSQL),
        ("mysql", MYSQL, MYSQL),
        ("mariadb", MYSQL, MYSQL),
        (MYSQL, URL, MYSQL),
    ],
)
def test_a_database_is_a_kind_or_a_url(
    memory: Path, wanted: str, usual: str, found: str
) -> None:
    """What a test wants goes before what is usual; a kind is the usual one of it."""
    match place(wanted, usual):
        case EmbeddedUrl(path, "postgres"):
            assert path == {"memory": str(ours(memory))}.get(found, found)
        case SqliteUrl(in_memory=in_memory):
            assert found == ("sqlite in memory" if in_memory else "sqlite")
        case PostgresUrl(redacted=redacted) | MySqlUrl(redacted=redacted):
            assert redacted == found


@pytest.mark.parametrize(
    ("wanted", "message"),
    [
        ("sqlit", "database 'sqlit': it is a URL, 'postgres', 'embedded' or 'sqlite'"),
        ("mysql", NO_MYSQL),
        ("mariadb", NO_MYSQL.replace("'mysql'", "'mariadb'")),
    ],
)
def test_anything_else_is_refused(wanted: str, message: str) -> None:
    """The message says what a database is, and shows no password."""
    with pytest.raises(ConfigurationError) as caught:
        place(wanted, "")
    assert str(caught.value) == message


def test_the_folder_is_made_for_its_owner(memory: Path) -> None:
    """Nobody else may enter it, and the next session finds it."""
    for _ in range(2):
        assert embedded_folder() == str(ours(memory))
        assert ours(memory).stat().st_mode & 0o777 == 0o700


def link_to_folder(path: Path) -> None:
    """Plant a link to a folder of ours."""
    path.parent.joinpath("target").mkdir(0o700)
    path.symlink_to(path.parent / "target")


def open_to_others(path: Path) -> None:
    """Let others in."""
    path.mkdir()
    path.chmod(0o750)


def somebody_elses(path: Path) -> None:
    """Give it to another account."""
    if os.geteuid() != 0:
        pytest.skip("only root can give a folder away")
    path.mkdir(0o700)
    os.chown(path, 65534, 65534)


@pytest.mark.parametrize(
    "planted",
    [
        link_to_folder,
        lambda path: path.symlink_to("nowhere"),
        lambda path: path.write_text(""),
        open_to_others,
        somebody_elses,
    ],
    ids=["link", "dangling link", "file", "open", "somebody else's"],
)
def test_what_somebody_has_planted_is_refused(memory: Path, planted: object) -> None:
    """A link, a file, an open folder or somebody else's is not used for a server."""
    assert callable(planted)
    planted(ours(memory))
    with pytest.raises(ConfigurationError) as caught:
        embedded_folder()
    assert str(caught.value) == (
        f"{ours(memory)}, where the test server would lie, is somebody else's or open "
        "to others; remove it, or set a database URL"
    )


def test_without_room_the_folder_is_in_the_cache(
    memory: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where memory has less than a gigabyte, or does not exist, a disk has the data."""
    cached = str(tmp_path / "cache" / "sqlx-py" / "test-18")
    monkeypatch.setattr(places, "ENOUGH_BYTES", 1 << 60)
    assert embedded_folder() == cached
    assert [*memory.iterdir()] == []
    monkeypatch.setattr(places, "ENOUGH_BYTES", 0)
    monkeypatch.setattr(places, "MEMORY", str(tmp_path / "none"))
    assert embedded_folder() == cached


WORDS: list[tuple[dict[str, str], str]] = [
    ({"dbname": "d"}, "postgresql:///d"),
    ({"dbname": "d", "user": "u"}, "postgresql:///d?user=u"),
    (
        {"dbname": "d", "host": "h", "port": "1", "user": "u"},
        "postgresql://u@h:1/d",
    ),
    ({"dbname": "d", "host": "h"}, "postgresql://h/d"),
    (
        {"dbname": "a/b c", "host": "h", "user": "u@:/?#%ä"},
        "postgresql://u%40%3A%2F%3F%23%25%C3%A4@h/a%2Fb%20c",
    ),
    (
        {"dbname": "d", "host": "/run/a b", "port": "1", "user": "u"},
        "postgresql:///d?host=/run/a%20b&port=1&user=u",
    ),
    (
        {"dbname": "d", "host": "a,b", "port": "1,2", "target_session_attrs": "any"},
        "postgresql:///d?host=a%2Cb&port=1%2C2&target_session_attrs=any",
    ),
    (
        {"dbname": "d", "host": "::1", "port": "1"},
        "postgresql:///d?host=%3A%3A1&port=1",
    ),
    (
        {"dbname": "d", "host": "h", "options": "-c a=b\\ c", "sslmode": "require"},
        "postgresql://h/d?options=-c%20a%3Db%5C%20c&sslmode=require",
    ),
]
PASSWORDS = ["secret", "@:/?#[]%", "%41", "a b+c&d=e", "ä\U0001f40d", "'\"\\", "***"]


@pytest.mark.parametrize(("words", "url"), WORDS)
def test_a_server_is_written_as_a_url(words: dict[str, str], url: str) -> None:
    """What is written is read as the same words, by us and by libpq."""
    assert url_of(words) == url
    assert type(url_of(words)) is str
    assert conninfo_to_dict(url) == words
    parsed = parse_url(url, {}, lambda _: False)
    assert isinstance(parsed, PostgresUrl)
    read = parsed.keywords()
    assert {name: read[name] for name in words} == words


@pytest.mark.parametrize("password", PASSWORDS)
@pytest.mark.parametrize("words", [words for words, _ in WORDS])
def test_a_password_is_in_the_url_and_not_shown(
    words: dict[str, str], password: str
) -> None:
    """It is read as it was, and `repr` has stars."""
    with_it = words | {"password": password, "sslpassword": "other"}
    url = url_of(with_it)
    assert conninfo_to_dict(url) == with_it
    parsed = parse_url(url, {}, lambda _: False)
    assert isinstance(parsed, PostgresUrl)
    assert parsed.keywords().items() >= with_it.items()
    assert isinstance(url, SecretUrl)
    stars = url_of(words | {"password": "***", "sslpassword": "***"})
    assert (url.shown, repr(url)) == (str(stars), repr(str(stars)))


MYSQL_URLS = [
    ("mysql:", "mysql://root@localhost:3306/x"),
    ("mariadb://ada@h:33/d", "mariadb://ada@h:33/x"),
    (
        "mysql://a@h/d?socket=/run/s&ssl-ca=/c%20a&ssl-cert=c&ssl-key=k",
        "mysql://a@h:3306/x?socket=/run/s&ssl-ca=/c%20a&ssl-cert=c&ssl-key=k",
    ),
    (
        "mysql://h/d?charset=latin1&collation=latin1_bin&timezone=none",
        "mysql://root@h:3306/x?charset=latin1&collation=latin1_bin&timezone=none",
    ),
    (
        "mysql://h/d?timezone=%2B02:00&ssl-mode=required",
        "mysql://root@h:3306/x?ssl-mode=required&timezone=%2B02%3A00",
    ),
]


@pytest.mark.parametrize("password", ["", *PASSWORDS])
@pytest.mark.parametrize(("written", "url"), MYSQL_URLS)
def test_a_server_of_mysql_is_written_as_a_url(
    written: str, url: str, password: str
) -> None:
    """What is written is read as the same values, and its password is not shown."""
    meant = parse_url(written, {})
    assert isinstance(meant, MySqlUrl)
    meant = replace(meant.with_database("x"), password=password)
    made = mysql_url_of(meant)
    read = parse_url(made, {})
    assert isinstance(read, MySqlUrl)
    assert meant == replace(read, redacted=meant.redacted, secrets=meant.secrets)
    if password:
        assert isinstance(made, SecretUrl)
        assert made.shown == meant.redacted
    else:
        assert (type(made), made) == (str, url)


@pytest.mark.parametrize(
    "copied",
    [
        copy.copy,
        copy.deepcopy,
        *(
            lambda url, protocol=protocol: pickle.loads(  # noqa: S301 -- our own.
                pickle.dumps(url, protocol)
            )
            for protocol in range(2, pickle.HIGHEST_PROTOCOL + 1)
        ),
    ],
)
def test_a_secret_url_may_be_copied_and_sent(copied: object) -> None:
    """A copy, or what another process gets, is the same text and as secret."""
    url = SecretUrl("postgresql://u:p@h/d", "postgresql://u:***@h/d")
    assert callable(copied)
    other = copied(url)
    assert type(other) is SecretUrl
    assert (str(other), other.shown) == (str(url), url.shown)
    assert f"{url}" == "postgresql://u:p@h/d"
    assert repr([url]) == "['postgresql://u:***@h/d']"


@pytest.mark.parametrize(
    ("url", "text"),
    [
        ("postgres://u:p@h:1/d?sslmode=require", "postgres://u:***@h:1/d"),
        ("embedded:here", "embedded:here"),
        ("sqlite:a.db", "SQLite"),
        ("mariadb://u:p@h/d?ssl-mode=required", "mariadb://u:***@h/d"),
    ],
)
def test_a_server_is_shown_without_its_secrets(url: str, text: str) -> None:
    """What pytest's header says of a server has no password."""
    assert shown(parse_url(url, {})) == text
