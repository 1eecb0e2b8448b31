"""A cache directory: read by query, written additively, pruned when told."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from sqlx.errors import CacheError
from sqlx.queries.caching.beside import Prepared
from sqlx.queries.caching.cache import Cache, look_up
from sqlx.queries.caching.query_data import to_json
from sqlx.queries.values import (
    Column,
    Database,
    Description,
    Nullability,
    SqlxVersion,
    TypeInfo,
    query_hash,
)

PREPARED = Prepared(Database.POSTGRES, "18.0", SqlxVersion.V0_9, None)
PROOF = Nullability(may_be_null=True, reason="the column allows NULL")


def selecting(sql: str, type_name: str = "Int4") -> Description:
    """Describe a query with one column."""
    column = Column("n", TypeInfo(type_name), None, nullable=None, proof=PROOF)
    return Description(Database.POSTGRES, sql, (column,), ())


ONE, TWO = selecting("SELECT 1 AS n"), selecting("SELECT 2 AS n")
DELETE = Description(Database.POSTGRES, "DELETE FROM t", (), ())
HASH, HASH_TWO = query_hash(ONE.sql), query_hash(TWO.sql)


@pytest.fixture
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Cache:
    """A cache that is not there yet, in the working directory."""
    monkeypatch.chdir(tmp_path)
    return Cache(".sqlx")


def files() -> list[str]:
    """Name all that lies below the cache, folders too."""
    return sorted(
        path.relative_to(".sqlx").as_posix() for path in Path(".sqlx").rglob("*")
    )


def test_a_cache_that_is_not_there_is_empty(cache: Cache) -> None:
    """Nothing is made by looking."""
    assert cache.read(ONE.sql) is None
    assert cache.text(ONE.sql) is None
    assert cache.prepared() is None
    assert cache.unused(()) == ()
    assert cache.prune(()) == ()
    assert not Path(".sqlx").exists()


def test_what_is_written_is_read(cache: Cache) -> None:
    """Queries with their proofs, and how they were described."""
    written = cache.write([ONE, DELETE], PREPARED)
    assert written == (
        f"query-{HASH}.json",
        f"python/{HASH}.json",
        f"query-{query_hash(DELETE.sql)}.json",
        "python/prepared.json",
    )
    assert files() == sorted([*written, "python"])
    assert cache.read(ONE.sql) == ONE
    assert cache.read(DELETE.sql) == DELETE
    assert cache.prepared() == PREPARED
    assert Path(cache.path(ONE.sql)).read_bytes() == (
        to_json(ONE, SqlxVersion.V0_9).encode()
    )
    assert cache.text(ONE.sql) == to_json(ONE, SqlxVersion.V0_9)


def test_the_bytes_are_those_of_the_chosen_sqlx(cache: Cache) -> None:
    """`[prepare] sqlx-version` decides."""
    cache.write([ONE], replace(PREPARED, sqlx=SqlxVersion.V0_8))
    assert cache.text(ONE.sql) == to_json(ONE, SqlxVersion.V0_8)


def test_queries_of_others_stay(cache: Cache) -> None:
    """A Rust crate may keep its queries in the same directory, and files of its own."""
    Path(".sqlx").mkdir()
    Path(".sqlx", f"query-{HASH_TWO}.json").write_text("of Rust's")
    Path(".sqlx/README.md").write_text("of a person's")
    cache.write([ONE], PREPARED)
    assert Path(".sqlx", f"query-{HASH_TWO}.json").read_text() == "of Rust's"
    assert Path(".sqlx/README.md").read_text() == "of a person's"


def test_a_file_that_is_right_is_left_untouched(cache: Cache) -> None:
    """Neither build tools nor version control see a change where there is none."""
    cache.write([ONE, TWO], PREPARED)
    before = {name: Path(".sqlx", name).stat() for name in files()}
    changed = selecting(ONE.sql, "Int8")
    assert cache.write([changed, TWO], PREPARED) == (
        f"query-{HASH}.json",
        f"python/{HASH}.json",
    )
    after = {name: Path(".sqlx", name).stat() for name in files()}
    same = [name for name in before if before[name].st_ino == after[name].st_ino]
    assert same == [
        "python",
        f"python/{HASH_TWO}.json",
        "python/prepared.json",
        f"query-{HASH_TWO}.json",
    ]
    assert cache.write([changed, TWO], PREPARED) == ()


def test_proofs_are_missing_once_rust_has_described_the_query_anew(
    cache: Cache,
) -> None:
    """What SQLx says is read all the same."""
    cache.write([ONE], PREPARED)
    other = replace(selecting(ONE.sql, "Int8"), columns=())
    Path(cache.path(ONE.sql)).write_text(to_json(other, SqlxVersion.V0_9))
    assert cache.read(ONE.sql) == other


def test_a_cache_without_files_of_ours_is_read(cache: Cache) -> None:
    """Rust's `cargo sqlx prepare` alone made it: nothing is proved."""
    cache.write([ONE], PREPARED)
    Path(".sqlx/python", f"{HASH}.json").unlink()
    Path(".sqlx/python/prepared.json").unlink()
    (column,) = ONE.columns
    assert cache.read(ONE.sql) == replace(ONE, columns=(replace(column, proof=None),))
    assert cache.prepared() is None


def test_a_file_under_another_query_s_name_is_refused(cache: Cache) -> None:
    """As SQLx refuses it, and in its words."""
    cache.write([TWO], PREPARED)
    Path(cache.path(TWO.sql)).rename(cache.path(ONE.sql))
    with pytest.raises(CacheError) as caught:
        cache.read(ONE.sql)
    assert str(caught.value) == (
        f".sqlx/query-{HASH}.json: hash collision for saved query data: the file is "
        "named for the query and holds another one; remove it, and run `sqlx prepare` "
        "to write it again"
    )


def test_errors_name_the_file(cache: Cache) -> None:
    """And the place in it."""
    cache.write([ONE, TWO], PREPARED)
    Path(cache.path(ONE.sql)).write_bytes(b"\xff")
    with pytest.raises(CacheError) as caught:
        cache.read(ONE.sql)
    assert str(caught.value) == (
        f".sqlx/query-{HASH}.json: this is no UTF-8; run `sqlx prepare` to write it "
        "again"
    )
    Path(".sqlx/python", f"{HASH_TWO}.json").write_text("{")
    with pytest.raises(CacheError) as caught:
        cache.read(TWO.sql)
    assert caught.value.path == f".sqlx/python/{HASH_TWO}.json:1:2"
    Path(".sqlx/python/prepared.json").write_text("{")
    with pytest.raises(CacheError) as caught:
        cache.prepared()
    assert caught.value.path == ".sqlx/python/prepared.json:1:2"


def test_a_file_that_cannot_be_read_is_an_error(cache: Cache) -> None:
    """It is there, so it is not missing."""
    Path(cache.path(ONE.sql)).mkdir(parents=True)
    with pytest.raises(CacheError) as caught:
        cache.read(ONE.sql)
    assert str(caught.value) == (
        f".sqlx/query-{HASH}.json: cannot be read: Is a directory; let it be read"
    )


def test_a_cache_that_is_a_file_has_no_queries(cache: Cache) -> None:
    """SQLx sees no file in it either; to list its files is an error."""
    Path(".sqlx").touch()
    assert cache.read(ONE.sql) is None
    with pytest.raises(CacheError) as caught:
        cache.unused(())
    assert str(caught.value) == (
        ".sqlx/: cannot be read: Not a directory; let it be read"
    )


def test_line_endings_of_a_query_are_kept(cache: Cache) -> None:
    """A query that was read from a file with CRLF is another one than with LF."""
    crlf = selecting("SELECT 1\r\n AS n\r\n")
    cache.write([crlf], PREPARED)
    assert cache.read(crlf.sql) == crlf
    assert cache.read("SELECT 1\n AS n\n") is None
    assert b"\r" not in Path(cache.path(crlf.sql)).read_bytes()


def test_the_first_cache_that_has_the_query_decides(tmp_path: Path) -> None:
    """Even when its file is wrong: SQLx goes on only where there is none."""
    first, second, third = (Cache(str(tmp_path / name)) for name in "abc")
    second.write([ONE], PREPARED)
    third.write([selecting(ONE.sql, "Int8"), TWO], PREPARED)
    assert look_up([first, second, third], ONE.sql) == (second, ONE)
    assert look_up([first, second, third], TWO.sql) == (third, TWO)
    assert look_up([first, second, third], DELETE.sql) is None
    Path(second.path(ONE.sql)).write_text("{}")
    with pytest.raises(CacheError):
        look_up([first, second, third], ONE.sql)


def test_prune_removes_what_no_query_uses(cache: Cache) -> None:
    """Files that are not named as SQLx and we name them are not ours to remove."""
    cache.write([ONE, TWO], PREPARED)
    for name in ("query-1.json", f"query-{HASH}.json.orig", f"python/{HASH}.txt"):
        Path(".sqlx", name).touch()
    unused = (f"query-{HASH_TWO}.json", f"python/{HASH_TWO}.json")
    before = files()
    assert cache.unused({HASH}) == unused
    assert files() == before
    assert cache.prune({HASH}) == unused
    assert files() == sorted({*before} - {*unused})
    assert cache.read(ONE.sql) == ONE
    assert cache.prepared() == PREPARED


def test_a_proof_without_its_query_is_pruned(cache: Cache) -> None:
    """Rust's `cargo sqlx prepare` removes the one, and does not know the other."""
    cache.write([ONE], PREPARED)
    Path(cache.path(ONE.sql)).unlink()
    assert cache.prune(()) == (f"python/{HASH}.json",)
    assert files() == ["python", "python/prepared.json"]
