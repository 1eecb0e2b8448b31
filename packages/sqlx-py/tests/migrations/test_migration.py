"""The values of a source: checksums, bodies, and what a source can be asked."""

from __future__ import annotations

import hashlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sqlx.migrations.files import from_list, from_text
from sqlx.migrations.migration import (
    SourceWarning,
    checksum,
    same_but_for_line_endings,
)
from sqlx.migrations.naming import TEMPLATES

TABLE = "create table a (\r\n\tid int\r\n);\r\n"

EMPTY = (
    "38b060a751ac96384cd9327eb1b1e36a21fdb71114be07434c0cc7bf63f6e1da"
    "274edebfe76f65fbd51ad2f14898b95b"
)
TEST1 = (
    "d405902250e0b05857014783cd7c02e59250a799fcd242e4937c4febf775a847"
    "77fd4d0937db997c495ad67dbb7115e6"
)
PLAIN = (
    "ede0a0168a1cd62612526218c47a718fe5fe2bbbfa9d8fd87f7d654220dd6103"
    "ef4d8cf59543551cad85c6045ff15c81"
)
BARE = (
    "e3536895c8d85e97805b8154c913c1c111fe2691a9fef75e4b00f459da7f97f1"
    "b80e24bfdef4ba919a572f31c76bd28d"
)
VECTORS = [
    ("", "", EMPTY),
    ("CREATE TABLE test1(x INTEGER PRIMARY KEY);\n", "", TEST1),
    (f"\ufeff{TABLE}", "", PLAIN),
    (f"\ufeff{TABLE}", " \t\r\n\ufeff", BARE),
    ("createtablea(idint);", "", BARE),
]


@pytest.mark.parametrize(("text", "ignored", "expected"), VECTORS)
def test_a_checksum_is_sha_384_of_the_bytes(
    text: str, ignored: str, expected: str
) -> None:
    """SQLx's own test vectors (migrations.md 1.4)."""
    assert checksum(text, ignored).hex() == expected


def test_the_templates_have_the_checksums_of_sqlx() -> None:
    """Beginnings and ends of the hashes of the files that sqlx-cli writes."""
    hashes = [checksum(text).hex() for text in TEMPLATES.values()]
    assert [(found[:8], found[-8:]) for found in hashes] == [
        ("ff95923e", "e736b892"),
        ("933f34bc", "cc5ff3e9"),
        ("6a70a69e", "ef3acb29"),
    ]


@pytest.mark.slow
@given(
    st.text(alphabet="ab \t\r\n\ufeffé🦀"), st.sets(st.sampled_from(" \r\n\ufeff🦀a"))
)
def test_ignored_characters_are_left_out_of_the_hash_alone(
    text: str, ignored: set[str]
) -> None:
    """The hash is that of the text without them; the text itself stays as it is."""
    kept = "".join(character for character in text if character not in ignored)
    migration = from_text("1_a.sql", text.replace("\0", ""), ignored)
    assert migration.checksum == hashlib.sha384(kept.encode()).digest()
    assert migration.sql == text


def test_a_byte_order_mark_is_left_out_of_the_body_alone() -> None:
    """Only the first one is a mark; the text keeps it, and CR is never touched."""
    migration = from_text("1_a.sql", "\ufeff\ufeffSELECT 1;\r\r\n")
    assert migration.body == "\ufeffSELECT 1;\r\r\n"
    assert migration.sql == "\ufeff\ufeffSELECT 1;\r\r\n"


LF, CRLF = "a\nb\n", "a\r\nb\r\n"


@pytest.mark.parametrize(
    ("file", "applied", "ignored", "same"),
    [
        (LF, LF, "", True),
        (LF, CRLF, "", True),
        (CRLF, LF, "", True),
        (LF, f"\ufeff{LF}", "", True),
        (f"\ufeff{LF}", LF, "", True),
        (f"\ufeff{CRLF}", LF, "", True),
        (LF, f"\ufeff{CRLF}", "", True),
        ("a\r\nb\n", LF, "", True),
        ("a\r\nb\n", CRLF, "", True),
        ("a\r\nb\n", "\ufeffa\r\nb\n", "", True),
        (LF, "a\rb\r", "", False),
        ("a\rb\r", LF, "", False),
        ("a\rb\n", "a\rb\r\n", "", True),
        (LF, "a\nb", "", False),
        (LF, "a\n\nb\n", "", False),
        (LF, "A\nb\n", "", False),
        (LF, f"\ufeff\ufeff{LF}", "", False),
        ("a b\n", "ab\r\n", " ", True),
        ("a b\n", "ab\r\n", "", False),
    ],
)
def test_line_endings_and_a_byte_order_mark_are_told_apart_from_a_change(
    file: str, applied: str, ignored: str, *, same: bool
) -> None:
    """What was applied is the file up to LF, CRLF and a BOM in front; nothing else."""
    migration = from_text("1_a.sql", file)
    stored = checksum(applied, ignored)
    assert same_but_for_line_endings(migration, stored, ignored) is same


@given(
    text=st.text(alphabet="ab \n"),
    crlf=st.booleans(),
    bom=st.booleans(),
    ignored=st.sets(st.just(" ")),
)
def test_what_an_editor_does_to_a_whole_file_is_seen_through(
    text: str, *, crlf: bool, bom: bool, ignored: set[str]
) -> None:
    """Any text matches itself with the other line endings and with a BOM."""
    applied = "\ufeff" * bom + (text.replace("\n", "\r\n") if crlf else text)
    stored = checksum(applied, ignored)
    assert same_but_for_line_endings(from_text("1_a.sql", text), stored, ignored)
    assert same_but_for_line_endings(from_text("1_a.sql", applied), stored, ignored)


def test_a_source_knows_its_ways() -> None:
    """Forward are simple and up files; down is asked for by version."""
    simple, up, down = (
        from_text(name, "SELECT 1")
        for name in ("1_a.sql", "2_b.up.sql", "2_b.down.sql")
    )
    source = from_list([down, up, simple])
    assert tuple(source) == (simple, up, down)
    assert source.forward() == (simple, up)
    assert source.down(2) == down
    assert source.down(1) is None
    assert source.versions() == {1, 2}


def test_a_warning_names_the_file_and_the_line() -> None:
    """The path comes first, so that editors find it."""
    about = SourceWarning("code", "migrations/1_a.sql", "is odd; mend it")
    assert str(about) == "migrations/1_a.sql: is odd; mend it"
    at = SourceWarning("code", "migrations/1_a.sql", "is odd; mend it", 3)
    assert str(at) == "migrations/1_a.sql:3: is odd; mend it"
