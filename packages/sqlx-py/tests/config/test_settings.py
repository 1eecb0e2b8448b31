"""`sqlx.toml`, and which database is meant."""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sqlx.config.settings import (
    DefaultMigrationType,
    DefaultVersioning,
    Settings,
    SqliteExtension,
    database_url,
    load_settings,
    parse_settings,
    settings_in,
)
from sqlx.errors import ConfigurationError

if TYPE_CHECKING:
    from pathlib import Path

EVERY_KEY = r"""
[common]
database-url-var = "FOO_DATABASE_URL"

[drivers.mysql]
[drivers.postgres]
[drivers.sqlite]
unsafe-load-extensions = [
    "uuid",
    { path = "vsv_renamed", entrypoint = "sqlite3_vsv_init" },
]
[drivers.external.other]
anything = { goes = [1979-05-27, 1.5] }

[macros.preferred-crates]
date-time = "chrono"
numeric = "rust_decimal"
unknown = true
[macros.type-overrides]
'"Foo"."Bar"' = "crate::schema::foo::Bar"
[macros.table-overrides.'"My Schema"."My Table"']
'"My Column"' = "crate::types::MyType"

[migrate]
create-schemas = ["foo", "bar", "foo"]
table-name = "foo._sqlx_migrations"
migrations-dir = "foo/migrations"
ignored-chars = [" ", "\t", "\r", "\n", "\uFEFF"]
[migrate.defaults]
migration-type = "reversible"
migration-versioning = "sequential"
unknown = true
"""

MUST_BE_SET = (
    "must be set; a URL is postgres://user:password@host:5432/database, "
    "mysql://user:password@host:3306/database, "
    "sqlite://app.db?mode=rwc or embedded:.postgres"
)


def refusal(text: str) -> str:
    """Give the message with which a file is refused, after SQLx's words."""
    with pytest.raises(ConfigurationError) as caught:
        parse_settings(text)
    start, message = str(caught.value).split(": ", 1)
    assert start == 'error parsing config file "sqlx.toml"'
    return message


def test_every_key_of_sqlx_is_read() -> None:
    """What SQLx's reference sets is set, and what only Rust needs is passed over."""
    assert parse_settings(EVERY_KEY) == Settings(
        database_url_var="FOO_DATABASE_URL",
        create_schemas=("bar", "foo"),
        table_name="foo._sqlx_migrations",
        migrations_dir="foo/migrations",
        ignored_chars=frozenset(" \t\r\n\ufeff"),
        migration_type=DefaultMigrationType.REVERSIBLE,
        migration_versioning=DefaultVersioning.SEQUENTIAL,
        sqlite_extensions=(
            SqliteExtension("uuid"),
            SqliteExtension("vsv_renamed", "sqlite3_vsv_init"),
        ),
    )


def test_an_empty_file_means_the_defaults() -> None:
    """They are SQLx's."""
    assert parse_settings("") == Settings(
        database_url_var="DATABASE_URL",
        create_schemas=(),
        table_name="_sqlx_migrations",
        migrations_dir="migrations",
        ignored_chars=frozenset(),
        migration_type=DefaultMigrationType.INFERRED,
        migration_versioning=DefaultVersioning.INFERRED,
        sqlite_extensions=(),
    )


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (
            "[python]",
            (
                "1:2: unknown field `python`, "
                "expected one of `common`, `drivers`, `macros`, `migrate`, `prepare`"
            ),
        ),
        (
            "# one\n\n[migrate]\ntable-name = '''\na'''\nmigrations_dir = 'x'\n",
            (
                "6:1: unknown field `migrations_dir`, expected one of "
                "`create-schemas`, `table-name`, `migrations-dir`, `ignored-chars`, "
                "`defaults`"
            ),
        ),
        (
            "[common]\n  x.y = 1",
            "2:3: unknown field `x`, expected `database-url-var`",
        ),
        (
            "[drivers]\npostgres = { x = [\n1 ] }",
            "2:14: unknown field `x`, there are no fields",
        ),
        (
            "[drivers.external]\na = 1",
            "2:1: invalid type: integer, expected a table for `drivers.external.a`",
        ),
        (
            "drivers.sqlite.unsafe-load-extensions = [{ path = 'a' }]",
            "1:16: expected strings, or tables of `path` and `entrypoint` and no more",
        ),
        (
            "drivers.sqlite.unsafe-load-extensions = [1]",
            "1:16: expected strings, or tables of `path` and `entrypoint` and no more",
        ),
        (
            "drivers.sqlite.unsafe-load-extensions = [{ path = 1, entrypoint = 'a' }]",
            (
                "1:16: invalid type: integer, expected a string for "
                "`drivers.sqlite.unsafe-load-extensions`"
            ),
        ),
        (
            "migrate = true",
            "1:1: invalid type: boolean, expected a table for `migrate`",
        ),
        (
            "migrate.create-schemas = 'a'",
            "1:9: invalid type: string, expected an array for `migrate.create-schemas`",
        ),
        (
            "migrate.table-name = 1979-05-27",
            "1:9: invalid type: date, expected a string for `migrate.table-name`",
        ),
        (
            "migrate.table-name = 1.0",
            "1:9: invalid type: float, expected a string for `migrate.table-name`",
        ),
        (
            "[migrate]\nignored-chars = [\n'a',\n'bc']",
            "2:1: invalid value: expected strings of one character",
        ),
        (
            "[migrate]\nignored-chars = ['']",
            "2:1: invalid value: expected strings of one character",
        ),
        (
            "migrate.ignored-chars = [[]]",
            "1:9: invalid type: array, expected a string for `migrate.ignored-chars`",
        ),
        (
            "[migrate.defaults]\nmigration-type = 'Simple'",
            (
                "2:1: unknown variant `Simple`, "
                "expected one of `inferred`, `simple`, `reversible`"
            ),
        ),
        (
            "macros.preferred-crates.numeric = 1",
            (
                "1:25: invalid type: integer, expected a string for "
                "`macros.preferred-crates.numeric`"
            ),
        ),
        (
            "macros.type-overrides.'a.b' = {}",
            (
                "1:24: invalid type: table, expected a string for "
                "`macros.type-overrides.a.b`"
            ),
        ),
        (
            '[macros.table-overrides]\n"a\\u0062" = 1',
            (
                "2:1: invalid type: integer, expected a table for "
                "`macros.table-overrides.ab`"
            ),
        ),
    ],
)
def test_what_sqlx_refuses_is_refused_with_its_place(text: str, message: str) -> None:
    """A name or a value that does not belong has a line, a column and a mend."""
    assert refusal(text) == f"sqlx.toml:{message}"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("[migrate]\na b = 1", "2:3: Expected '=' after a key in a key/value pair"),
        ("[migrate", "1:9: Expected ']' at the end of a table declaration"),
        ("a = '''x\ny", "2:2: Expected \"'''\""),
        ("[a]\n[a]", "2:3: Cannot declare ('a',) twice"),
    ],
)
def test_what_is_no_toml_has_a_place(text: str, message: str) -> None:
    """A mistake in the syntax is shown by line and column, at the end too."""
    assert refusal(text) == f"sqlx.toml:{message}"


@given(st.lists(st.sampled_from(EVERY_KEY.splitlines(keepends=True))), st.text())
def test_any_text_is_settings_or_a_refusal(lines: list[str], more: str) -> None:
    """Nothing but a configuration error ever comes out."""
    with suppress(ConfigurationError):
        assert isinstance(parse_settings("".join(lines) + more), Settings)


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Work in an empty directory."""
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_the_file_of_the_working_directory_is_announced(here: Path) -> None:
    """SQLx says that it found one, before it reads; it need not be there."""
    notes: list[str] = []
    assert load_settings(None, notes.append) == Settings()
    assert notes == []
    (here / "sqlx.toml").write_bytes(b"\xef\xbb\xbf[migrate]\r\ntable-name = 'x'\r\n")
    assert load_settings(None, notes.append) == Settings(table_name="x")
    assert notes == ["Found `sqlx.toml` in current directory; reading..."]


@pytest.mark.parametrize("table", ["prepare", "drivers.external.sqlx-py"])
def test_our_own_settings_have_two_places(table: str) -> None:
    """One of our own, and one that SQLx passes over where it reads the file too."""
    text = (
        f"[{table}]\npackages = ['app', 'jobs']\nsqlx-version = '0.8'\n"
        "database = 'sqlite'"
    )
    assert parse_settings(text) == Settings(
        packages=("app", "jobs"), sqlx_version="0.8", scratch_database="sqlite"
    )
    assert refusal(f"[{table}]\npackage = ['app']") == (
        "sqlx.toml:2:1: unknown field `package`, "
        "expected one of `packages`, `sqlx-version`, "
        "`database`"
    )


def test_the_file_of_a_directory(tmp_path: Path) -> None:
    """It is read without a word, and its messages name it in full."""
    path = tmp_path / "sqlx.toml"
    assert settings_in(str(tmp_path)) == Settings()
    path.write_text("migrate.table-name = 'x'")
    assert settings_in(str(tmp_path)) == Settings(table_name="x")
    path.write_text("[python]")
    with pytest.raises(ConfigurationError) as caught:
        settings_in(str(tmp_path))
    assert str(caught.value) == (
        f'error parsing config file "{path}": {path}:1:2: unknown field `python`, '
        "expected one of `common`, `drivers`, `macros`, `migrate`, `prepare`"
    )


def test_a_dangling_link_is_no_file(here: Path) -> None:
    """As in SQLx, it is passed over without a word."""
    (here / "sqlx.toml").symlink_to("nowhere")
    assert load_settings(None, pytest.fail) == Settings()


def test_a_file_that_is_named_is_not_announced(here: Path) -> None:
    """`--config` chooses a file; an empty one such as /dev/null means the defaults."""
    (here / "sqlx.toml").write_text("[python]")
    (here / "my.toml").write_text("migrate.table-name = 'x'")
    assert load_settings("my.toml", pytest.fail) == Settings(table_name="x")
    assert load_settings("/dev/null", pytest.fail) == Settings()


@pytest.mark.parametrize(
    ("octets", "of_ours", "of_theirs"),
    [
        (
            b"a",
            'error parsing config file "sqlx.toml"',
            "1:2: Expected '=' after a key in a key/value pair",
        ),
        (
            b"# \n\n#\xff",
            'error reading config file "sqlx.toml"',
            "3:2: stream did not contain valid UTF-8; save the file as UTF-8",
        ),
    ],
)
def test_a_file_that_is_refused(
    here: Path, octets: bytes, of_ours: str, of_theirs: str
) -> None:
    """SQLx's words differ for the usual file and one that is named."""
    (here / "sqlx.toml").write_bytes(octets)
    with pytest.raises(ConfigurationError) as caught:
        load_settings(None, str)
    assert str(caught.value) == f"{of_ours}: sqlx.toml:{of_theirs}"
    with pytest.raises(ConfigurationError) as caught:
        load_settings("./sqlx.toml", str)
    assert str(caught.value) == (
        f'error reading config from "./sqlx.toml": ./sqlx.toml:{of_theirs}'
    )


def test_a_file_that_cannot_be_read(here: Path) -> None:
    """The system's reason follows SQLx's words."""
    (here / "sqlx.toml").mkdir()
    with pytest.raises(ConfigurationError) as caught:
        load_settings(None, str)
    assert str(caught.value) == (
        'error reading config file "sqlx.toml": Is a directory'
    )
    with pytest.raises(ConfigurationError) as caught:
        load_settings('no"where', str)
    assert str(caught.value) == (
        r'error reading config from "no\"where": No such file or directory'
    )


def test_the_argument_goes_before_the_variable() -> None:
    """Even an empty argument is one; a variable is silent when it is the usual one."""
    environ = {"DATABASE_URL": "sqlite:x", "FOO": "sqlite:y"}
    for argument in ("sqlite:z", ""):
        assert database_url(argument, Settings(), environ, pytest.fail) == argument
    assert database_url(None, Settings(), environ, pytest.fail) == "sqlite:x"
    assert database_url(None, Settings(), {"DATABASE_URL": ""}, pytest.fail) == ""


def test_a_variable_of_its_own_is_announced() -> None:
    """SQLx says which variable it read when `sqlx.toml` names it."""
    notes: list[str] = []
    settings = Settings(database_url_var="FOO")
    assert database_url(None, settings, {"FOO": "sqlite:y"}, notes.append) == "sqlite:y"
    assert notes == [
        "Read database url from `FOO` (`common.database-url-var` in `sqlx.toml`)"
    ]


@pytest.mark.parametrize(
    ("variable", "value", "message"),
    [
        ("DATABASE_URL", None, f"`--database-url` or `DATABASE_URL` {MUST_BE_SET}"),
        (
            "FOO",
            None,
            (
                "`--database-url` or `FOO` (`common.database-url-var` in `sqlx.toml`) "
                f"{MUST_BE_SET}"
            ),
        ),
        (
            "DATABASE_URL",
            "\udcff",
            "`DATABASE_URL` is not valid UTF-8; percent-encode its other bytes",
        ),
        (
            "FOO",
            "\udcff",
            (
                "`FOO` (`common.database-url-var` in `sqlx.toml`) is not valid UTF-8; "
                "percent-encode its other bytes"
            ),
        ),
        (
            "postgres://u:S3cr3t@h",
            None,
            (
                "`common.database-url-var` in `sqlx.toml` is a URL; it is to be the "
                "name of the environment variable that holds the URL"
            ),
        ),
    ],
)
def test_without_a_url(variable: str, value: str | None, message: str) -> None:
    """SQLx's words say what is missing, and where the variable's name comes from."""
    environ = {} if value is None else {variable: value}
    with pytest.raises(ConfigurationError) as caught:
        database_url(None, Settings(database_url_var=variable), environ, pytest.fail)
    assert str(caught.value) == message
