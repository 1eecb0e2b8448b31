"""File names: what SQLx reads out of one, and what `migrate add` writes."""

from __future__ import annotations

import calendar
import re

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from sqlx.errors import ConfigurationError, SourceError
from sqlx.migrations.files import from_text
from sqlx.migrations.migration import Kind, Migration
from sqlx.migrations.naming import (
    FileName,
    MigrationType,
    NewFile,
    Versioning,
    choose_reversible,
    choose_version,
    file_name,
    new_files,
    parse_file_name,
    rust_debug,
)

MAX = 2**63 - 1
NOW = calendar.timegm((2025, 1, 14, 9, 5, 59))

READ = [
    ("20250114000000_initial_schema.sql", 20250114000000, "initial schema", "SIMPLE"),
    ("1_a.up.sql", 1, "a", "UP"),
    ("1_a.down.sql", 1, "a", "DOWN"),
    ("0_a.sql", 0, "a", "SIMPLE"),
    ("01_a.sql", 1, "a", "SIMPLE"),
    ("0001_a.sql", 1, "a", "SIMPLE"),
    ("+1_a.sql", 1, "a", "SIMPLE"),
    ("-1_a.sql", -1, "a", "SIMPLE"),
    ("-0_a.sql", 0, "a", "SIMPLE"),
    (f"{MAX}_a.sql", MAX, "a", "SIMPLE"),
    (f"{-MAX - 1}_a.sql", -MAX - 1, "a", "SIMPLE"),
    ("0" * 5000 + "7_a.sql", 7, "a", "SIMPLE"),
    ("1_.sql", 1, "", "SIMPLE"),
    ("1_up.sql", 1, "up", "SIMPLE"),
    ("1_.up.sql", 1, "", "UP"),
    ("1__a.sql", 1, " a", "SIMPLE"),
    ("1_a_b__c.sql", 1, "a b  c", "SIMPLE"),
    ("1_A-b.C.sql", 1, "A-b.C", "SIMPLE"),
    ("1_a.sql.sql", 1, "a", "SIMPLE"),
    ("1_a.up.sql.up.sql", 1, "a", "UP"),
    ("1_a.up.sql.sql", 1, "a.up", "SIMPLE"),
    ("1_a.sql.up.sql", 1, "a.sql", "UP"),
    ("1_a.up.down.sql", 1, "a.up", "DOWN"),
    ("1_a.UP.sql", 1, "a.UP", "SIMPLE"),
    ("1_naïve '%s' {}.sql", 1, "naïve '%s' {}", "SIMPLE"),
]
PASSED_OVER = [
    "README.md",
    "1.sql",
    "1-foo.sql",
    "1_a.SQL",
    "1_a.sql~",
    "1_a.sql.bak",
    "seed_data.csv",
    "_",
    "_sql",
    "",
]
REFUSED = [
    ("foo_bar.sql", '"foo_bar.sql"'),
    ("_x.sql", '"_x.sql"'),
    (".1_a.sql", '".1_a.sql"'),
    (" 1_a.sql", '" 1_a.sql"'),
    ("1 _a.sql", '"1 _a.sql"'),
    ("0x1_a.sql", '"0x1_a.sql"'),
    ("1e3_a.sql", '"1e3_a.sql"'),
    ("+_a.sql", '"+_a.sql"'),
    ("-_a.sql", '"-_a.sql"'),
    ("+-1_a.sql", '"+-1_a.sql"'),
    ("\u0665_a.sql", '"\u0665_a.sql"'),
    ("\uff11_a.sql", '"\uff11_a.sql"'),
    ("²_a.sql", '"²_a.sql"'),
    (f"{MAX + 1}_a.sql", f'"{MAX + 1}_a.sql"'),
    (f"{-MAX - 2}_a.sql", f'"{-MAX - 2}_a.sql"'),
    ("9" * 5000 + "_a.sql", f'"{"9" * 5000}_a.sql"'),
    ('"\\\t\n\r\0_\x1b.sql', r'"\"\\\t\n\r\0_\u{1b}.sql"'),
]


def simple(*versions: int) -> tuple[Migration, ...]:
    """Make simple migrations."""
    return tuple(from_text(f"{version}_a.sql", "") for version in versions)


def pairs(*versions: int) -> tuple[Migration, ...]:
    """Make reversible migrations, up before down."""
    return tuple(
        from_text(f"{version}_a.{way}.sql", "")
        for version in versions
        for way in ("up", "down")
    )


@pytest.mark.parametrize(("name", "version", "description", "kind"), READ)
def test_a_name_says_version_description_and_kind(
    name: str, version: int, description: str, kind: str
) -> None:
    """The first `_` parts the version from the rest, and the ending gives the kind."""
    assert parse_file_name(name) == FileName(version, description, Kind[kind])


@pytest.mark.parametrize("name", PASSED_OVER)
def test_other_files_are_passed_over(name: str) -> None:
    """A name without `_`, or that does not end in `.sql`, is no migration."""
    assert parse_file_name(name) is None


@pytest.mark.parametrize(("name", "quoted"), REFUSED)
def test_a_wrong_version_is_refused_in_the_words_of_sqlx(
    name: str, quoted: str
) -> None:
    """What ends like a migration must begin with an i64: SQLx's text, and the mend."""
    with pytest.raises(SourceError) as caught:
        parse_file_name(name, f"migrations/{name}")
    assert str(caught.value) == (
        f"while resolving migrations: error parsing migration filename {quoted}; "
        "expected integer version prefix (e.g. `01_foo.sql`); "
        f"rename migrations/{name}, or move it to another directory"
    )


def test_the_name_stands_for_an_unknown_path() -> None:
    """Without a path the mend speaks of the name."""
    with pytest.raises(SourceError, match=r"; rename a_b\.sql, or move it to another"):
        parse_file_name("a_b.sql")


RUST_DEBUG = [
    ("it's", '"it\'s"'),
    ('"\\', r'"\"\\"'),
    ("\0\t\n\r", r'"\0\t\n\r"'),
    ("\x1b\x7f\x80", r'"\u{1b}\u{7f}\u{80}"'),
    ("naïve ﬀ 漢", '"naïve ﬀ 漢"'),
    ("a\u0301", r'"a\u{301}"'),
    ("a\u20dd", r'"a\u{20dd}"'),
    ("\u0d3e", r'"\u{d3e}"'),
    ("\u00a0\u200b\ufeff\u2028", r'"\u{a0}\u{200b}\u{feff}\u{2028}"'),
    ("\ufffd", '"\ufffd"'),
    ("\ue000\U0010ffff", r'"\u{e000}\u{10ffff}"'),
    ("🦀", '"🦀"'),
]


@pytest.mark.parametrize(("text", "quoted"), RUST_DEBUG)
def test_names_are_quoted_as_rust_quotes_them(text: str, quoted: str) -> None:
    """The expected texts were printed by rustc 1.95 with `{:?}`."""
    assert rust_debug(text) == quoted


def rust_parse(name: str) -> tuple[int, str, Kind] | str | None:
    """Transcribe `resolve_blocking` and `i64::from_str`, line by line."""
    parts = name.split("_", 1)
    if len(parts) != 2 or not parts[1].endswith(".sql"):
        return None
    digits = parts[0]
    sign = 1
    if digits[:1] in {"+", "-"}:
        sign = 1 if digits[0] == "+" else -1
        digits = digits[1:]
    if not digits:
        return "error"
    version = 0
    for digit in digits:
        if digit not in "0123456789":
            return "error"
        version = version * 10 + sign * "0123456789".index(digit)
        if not -(2**63) <= version <= 2**63 - 1:
            return "error"
    kind = Kind.SIMPLE
    if parts[1].endswith(".up.sql"):
        kind = Kind.UP
    elif parts[1].endswith(".down.sql"):
        kind = Kind.DOWN
    suffix = {Kind.SIMPLE: ".sql", Kind.UP: ".up.sql", Kind.DOWN: ".down.sql"}[kind]
    description = re.sub(f"(?:{re.escape(suffix)})*\\Z", "", parts[1])
    return version, description.replace("_", " "), kind


fragments = st.sampled_from("_+-01 a.é\n\u0665\uff11") | st.sampled_from(
    [".sql", ".up.sql", ".down.sql", ".up", "9223372036", "854775807", "854775808"]
)
names = st.one_of(
    st.lists(fragments, max_size=8).map("".join),
    st.builds("{}_{}.sql".format, st.integers(-(2**64), 2**64), st.text(max_size=5)),
)


@given(names)
@example("1_a.sql\n")
@example("1_\n.sql")
def test_any_name_is_read_as_rust_reads_it(name: str) -> None:
    """A transcription of SQLx's own code agrees on every name."""
    expected = rust_parse(name)
    if expected == "error":
        with pytest.raises(SourceError):
            parse_file_name(name)
    else:
        found = parse_file_name(name)
        assert expected == (found and (found.version, found.description, found.kind))


@given(
    st.one_of(
        st.integers(-(2**63), 2**63 - 1).map(str),
        st.integers(0, 10**6).map("{:04}".format),
    ),
    st.one_of(st.text(), st.lists(fragments, max_size=4).map("".join)),
    st.sampled_from(Kind),
)
def test_a_name_that_we_write_parses_back(
    version_text: str, description: str, kind: Kind
) -> None:
    """Either the name means what it was made of, or it is refused."""
    try:
        name = file_name(version_text, description, kind)
    except ConfigurationError:
        assert re.search(r"[/\\\0]|\.sql|\.up|\.down", description)
    else:
        assert parse_file_name(name) == FileName(
            int(version_text), description.replace("_", " "), kind
        )
        assert name == f"{version_text}_{description.replace(' ', '_')}{kind.value}"


@pytest.mark.parametrize(
    ("description", "kind", "quoted", "name"),
    [
        ("a/b", Kind.SIMPLE, '"a/b"', '"1_a/b.sql"'),
        ("a\\b", Kind.SIMPLE, r'"a\\b"', r'"1_a\\b.sql"'),
        ("a\0b", Kind.SIMPLE, r'"a\0b"', r'"1_a\0b.sql"'),
        ("a.sql", Kind.SIMPLE, '"a.sql"', '"1_a.sql.sql"'),
        ("add x.up", Kind.SIMPLE, '"add x.up"', '"1_add_x.up.sql"'),
        ("a.down.sql", Kind.DOWN, '"a.down.sql"', '"1_a.down.sql.down.sql"'),
    ],
)
def test_a_description_that_would_be_read_otherwise_is_refused(
    description: str, kind: Kind, quoted: str, name: str
) -> None:
    """SQLx writes such files, and then reads another migration, or none."""
    with pytest.raises(ConfigurationError) as caught:
        file_name("1", description, kind)
    assert str(caught.value) == (
        f"{quoted} cannot be the description of a migration: the file {name} would be "
        "read as another one; choose a description without `/`, `\\`, NUL and an "
        "ending like `.sql`"
    )


def test_a_version_that_is_no_i64_is_refused() -> None:
    """The step after the greatest version leaves the range."""
    version = choose_version(simple(MAX - 1, MAX), Versioning.INFERRED, NOW)
    with pytest.raises(ConfigurationError) as caught:
        file_name(version, "a", Kind.SIMPLE)
    assert str(caught.value) == (
        '"9223372036854775808" cannot be the version of a migration; '
        "choose an integer of 64 bits"
    )


@pytest.mark.parametrize(
    ("choice", "there", "reversible"),
    [
        (MigrationType.SIMPLE, pairs(1), False),
        (MigrationType.REVERSIBLE, simple(1), True),
        (MigrationType.INFERRED, (), False),
        (MigrationType.INFERRED, simple(1, 2), False),
        (MigrationType.INFERRED, pairs(1), True),
        (MigrationType.INFERRED, (*simple(1), *pairs(2)), True),
        (MigrationType.INFERRED, (*pairs(1), *simple(2)), False),
        (
            MigrationType.INFERRED,
            (*simple(1), from_text("1_a.down.sql", "")),
            True,
        ),
    ],
)
def test_the_last_file_decides_the_type(
    choice: MigrationType, there: tuple[Migration, ...], *, reversible: bool
) -> None:
    """Unless a flag or sqlx.toml says it; nothing at all means simple."""
    assert choose_reversible(there, choice) is reversible


@pytest.mark.parametrize(
    ("choice", "there", "version"),
    [
        (Versioning.TIMESTAMP, simple(1, 2), "20250114090559"),
        (Versioning.SEQUENTIAL, (), "0001"),
        (Versioning.SEQUENTIAL, simple(12344), "12345"),
        (Versioning.SEQUENTIAL, simple(20250114090559), "20250114090560"),
        (Versioning.SEQUENTIAL, pairs(1, 2), "0003"),
        (Versioning.SEQUENTIAL, simple(-5), "-004"),
        (Versioning.INFERRED, (), "20250114090559"),
        (Versioning.INFERRED, simple(0), "0001"),
        (Versioning.INFERRED, simple(1), "0002"),
        (Versioning.INFERRED, simple(2), "20250114090559"),
        (Versioning.INFERRED, simple(7, 8), "0009"),
        (Versioning.INFERRED, simple(1, 2, 4), "20250114090559"),
        (Versioning.INFERRED, simple(20250114090558), "20250114090559"),
        (Versioning.INFERRED, pairs(1, 2, 3), "20250114090559"),
        (Versioning.INFERRED, (*pairs(1), *simple(2)), "0003"),
    ],
)
def test_the_last_step_decides_the_version(
    choice: Versioning, there: tuple[Migration, ...], version: str
) -> None:
    """As SQLx 0.9 does: a step of 1, or the first version 0 or 1, means sequential.

    In 0.9 up and down are two entries with no step between: always a timestamp.
    """
    assert choose_version(there, choice, NOW + 0.9) == version


def test_two_migrations_of_one_second_get_two_versions() -> None:
    """A timestamp that is taken is stepped over, also past the minute."""
    there = simple(5, 20250114090559, 20250114090600)
    assert choose_version(there, Versioning.TIMESTAMP, NOW) == "20250114090601"


def test_a_simple_migration_is_one_file() -> None:
    """Its template is SQLx's."""
    assert new_files("0001", "add a table", reversible=False) == (
        NewFile("0001_add_a_table.sql", "-- Add migration script here\n"),
    )


def test_a_reversible_migration_is_two_files() -> None:
    """Up comes first, and both templates are SQLx's."""
    assert new_files("20250114090559", "a", reversible=True) == (
        NewFile("20250114090559_a.up.sql", "-- Add up migration script here\n"),
        NewFile("20250114090559_a.down.sql", "-- Add down migration script here\n"),
    )
