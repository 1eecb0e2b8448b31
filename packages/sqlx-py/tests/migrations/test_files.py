"""Sources: a directory, a package, a list in code; every rule of SQLx's, and ours."""

from __future__ import annotations

import os
import socket
import sys
import zipfile
from importlib import import_module
from itertools import count
from typing import TYPE_CHECKING, Protocol

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sqlx.errors import ConfigurationError, DuplicateVersion, SourceError
from sqlx.migrations.files import from_list, from_text, read_directory, read_package
from sqlx.migrations.migration import Kind, Migration, Source, SourceWarning, checksum

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path
    from random import Random

numbers = count(1)


class Put(Protocol):
    """Writes a file into `migrations`."""

    def __call__(self, name: str | bytes, content: str | bytes = "SELECT 1;\n") -> Path:
        """Write it, and give its path."""


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Work in an empty directory with an empty `migrations` in it."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "migrations").mkdir()
    return tmp_path


@pytest.fixture
def put(here: Path) -> Put:
    """Write a file into `migrations`, its bytes as they are given."""

    def write(name: str | bytes, content: str | bytes = "SELECT 1;\n") -> Path:
        path = here / "migrations" / os.fsdecode(name)
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
        return path

    return write


def refusal(path: str | Path = "migrations") -> str:
    """Read a directory that must be refused; give the message."""
    with pytest.raises(SourceError) as caught:
        read_directory(path)
    return str(caught.value)


def warnings(source: Source) -> list[tuple[str, str, int | None]]:
    """Give the warnings without their texts."""
    return [(found.code, found.path, found.line) for found in source.warnings]


# --- what is read


def test_a_file_becomes_a_migration(put: Put) -> None:
    """Name, text, hash and path: all that there is to know."""
    put("0001_add_users.sql", "CREATE TABLE users (id int);\r\n")
    source = read_directory("migrations")
    assert source == Source(
        (
            Migration(
                version=1,
                description="add users",
                kind=Kind.SIMPLE,
                sql="CREATE TABLE users (id int);\r\n",
                checksum=checksum("CREATE TABLE users (id int);\r\n"),
                no_transaction=False,
                path="migrations/0001_add_users.sql",
            ),
        ),
        "migrations",
    )


@pytest.mark.parametrize("path", ["migrations", "./migrations", "../{}/migrations/"])
def test_messages_name_the_path_as_it_was_given(
    here: Path, put: Put, path: str
) -> None:
    """A relative path stays relative, and a trailing `/` is not doubled."""
    put("1_a.sql")
    given = path.format(here.name)
    source = read_directory(given)
    assert source.label == given
    assert [found.path for found in source] == [f"{given.removesuffix('/')}/1_a.sql"]


def test_a_path_object_is_taken(here: Path, put: Put) -> None:
    """An absolute path is named absolutely."""
    put("1_a.sql")
    (found,) = read_directory(here / "migrations")
    assert found.path == f"{here}/migrations/1_a.sql"


def test_an_empty_directory_has_no_migrations(here: Path) -> None:
    """A source without migrations is fine."""
    assert here.is_dir()
    assert read_directory("migrations") == Source((), "migrations")


def test_the_order_is_version_then_kind(put: Put) -> None:
    """As numbers, not as names; up before down; a down file beside a simple one."""
    for name in ("10_c.sql", "2_b.down.sql", "2_b.up.sql", "-1_z.sql", "9_a.down.sql"):
        put(name)
    put("9_a.sql")
    source = read_directory("migrations")
    assert [(found.version, found.kind) for found in source] == [
        (-1, Kind.SIMPLE),
        (2, Kind.UP),
        (2, Kind.DOWN),
        (9, Kind.SIMPLE),
        (9, Kind.DOWN),
        (10, Kind.SIMPLE),
    ]
    assert source.warnings == ()


def test_ignored_characters_are_left_out_of_the_checksum_alone(put: Put) -> None:
    """The text, and the marker in front of it, are taken as they stand."""
    sql = "-- no-transaction\r\nVACUUM;\r\n"
    put("1_a.sql", sql)
    source = read_directory("migrations", "\r -")
    (found,) = source
    assert found.sql == sql
    assert found.no_transaction
    assert found.checksum == checksum("notransaction\nVACUUM;\n")
    assert source.ignored_chars == {"\r", " ", "-"}


def test_what_is_ignored_is_single_characters(here: Path) -> None:
    """Anything longer is a mistake in sqlx.toml or in a call."""
    assert here.is_dir()
    with pytest.raises(ConfigurationError) as caught:
        read_directory("migrations", ["\r", "\r\n"])
    assert str(caught.value) == (
        r"'\r\n' among the ignored characters (ignored-chars) is not one character; "
        "give each alone"
    )


def test_only_regular_files_of_the_directory_itself_count(here: Path, put: Put) -> None:
    """Directories, FIFOs and sockets are passed over without a word and a wait."""
    folder = here / "migrations"
    put("1_a.sql")
    (folder / "2_folder.sql").mkdir()
    (folder / "2_folder.sql" / "3_below.sql").write_text("SELECT 1;")
    os.mkfifo(folder / "4_fifo.sql")
    (folder / "5_link.sql").symlink_to(folder / "2_folder.sql")
    with socket.socket(socket.AF_UNIX) as server:
        server.bind("migrations/6_socket.sql")
        source = read_directory("migrations")
    assert [found.version for found in source] == [1]
    assert source.warnings == ()


def test_a_link_to_a_file_is_read_by_its_own_name(here: Path, put: Put) -> None:
    """The link says version and description, the file the text."""
    (here / "text").write_text("SELECT 2;")
    put("1_a.sql")
    (here / "migrations" / "2_b_c.sql").symlink_to(here / "text")
    found = read_directory("migrations").migrations[1]
    assert (found.version, found.description, found.sql) == (2, "b c", "SELECT 2;")


def test_a_link_to_a_directory_is_followed(here: Path, put: Put) -> None:
    """The source itself may be a link, and keeps the name it was given by."""
    put("1_a.sql")
    (here / "link").symlink_to("migrations")
    (found,) = read_directory("link")
    assert found.path == "link/1_a.sql"


def test_a_name_that_is_not_utf_8_is_read_with_replacements(put: Put) -> None:
    """As Rust does; the file is opened by its real name."""
    put(b"1_\xff\xc3(.sql", "SELECT 1;")
    (found,) = read_directory("migrations")
    assert found.description == "\ufffd\ufffd("
    assert found.sql == "SELECT 1;"
    assert found.path == "migrations/1_\ufffd\ufffd(.sql"


def test_a_file_in_other_letters_is_read(put: Put) -> None:
    """A name in UTF-8 stays as it is."""
    put("1_naïve_漢.sql")
    (found,) = read_directory("migrations")
    assert found.path == "migrations/1_naïve_漢.sql"


# --- what is refused


def test_a_missing_directory_is_refused(here: Path) -> None:
    """SQLx's text, then the system's, then the mend."""
    assert here.is_dir()
    assert refusal("db/migrations") == (
        "while resolving migrations: error canonicalizing path db/migrations: No such "
        "file or directory; create the directory with `sqlx migrate add`, or name "
        "another one"
    )


@pytest.mark.parametrize(
    ("path", "reason"),
    [("", "No such file or directory"), ("a\0b", "embedded null byte")],
)
def test_a_path_that_is_none_is_refused(here: Path, path: str, reason: str) -> None:
    """An empty path is not the working directory."""
    assert here.is_dir()
    assert refusal(path) == (
        f"while resolving migrations: error canonicalizing path {path}: {reason}; "
        "create the directory with `sqlx migrate add`, or name another one"
    )


def test_a_file_is_no_directory(here: Path, put: Put) -> None:
    """SQLx names the absolute path here."""
    put("1_a.sql")
    assert refusal("migrations/1_a.sql") == (
        f"while resolving migrations: error reading migration directory {here}"
        "/migrations/1_a.sql: Not a directory; name a directory that may be read"
    )


@pytest.mark.parametrize("name", ["9_gone.sql", ".#1_a.sql", "README"])
def test_a_broken_link_is_refused_whatever_its_name(here: Path, name: str) -> None:
    """SQLx looks at every entry before it looks at names; editors leave such links."""
    (here / "migrations" / name).symlink_to("nowhere")
    assert refusal() == (
        f"while resolving migrations: error getting metadata of migration path {here}"
        f"/migrations/{name}: No such file or directory; remove the link, or restore "
        "what it points to"
    )


def test_a_link_to_itself_is_refused(here: Path) -> None:
    """A loop is a broken link, not an endless one."""
    (here / "migrations" / "loop").symlink_to("loop")
    assert "/migrations/loop: Too many levels of symbolic links; " in refusal()


def test_a_wrong_version_is_refused(put: Put) -> None:
    """One stray name stops everything, as in SQLx; the mend names its path."""
    put("1_a.sql")
    put("foo_bar.sql")
    assert refusal() == (
        'while resolving migrations: error parsing migration filename "foo_bar.sql"; '
        "expected integer version prefix (e.g. `01_foo.sql`); rename "
        "migrations/foo_bar.sql, or move it to another directory"
    )


def test_the_first_of_several_is_refused(put: Put) -> None:
    """By name, whatever order the system lists them in: two runs say the same."""
    for letter in "hgfedcba":
        put(f"{letter}_x.sql")
    assert 'error parsing migration filename "a_x.sql"; ' in refusal()


@pytest.mark.parametrize(
    ("content", "place"),
    [
        (b"\xff", "1: byte 0xff at offset 0"),
        (b"a\r\nb\n caf\xe9\n", "3: byte 0xe9 at offset 9"),
        (b"\xef\xbb\xbfa\n\xed\xa0\x80", "2: byte 0xed at offset 5"),
        (b"\xc0\xaf", "1: byte 0xc0 at offset 0"),
    ],
)
def test_a_text_that_is_not_utf_8_is_refused(
    here: Path, put: Put, content: bytes, place: str
) -> None:
    """SQLx's text, then which byte of which line."""
    put("1_a.sql", content)
    assert refusal() == (
        "while resolving migrations: error reading contents of migration "
        f"{here}/migrations/1_a.sql: stream did not contain valid UTF-8; "
        f"migrations/1_a.sql:{place}; save the file as UTF-8"
    )


def test_a_nul_byte_is_refused_with_its_place(put: Put) -> None:
    """Drivers cut a text at a NUL and report success."""
    put("1_a.sql", "\ufeffSELECT 1;\n  SELECT 'ä\0'; SELECT 2;\n")
    assert refusal() == (
        "while resolving migrations: migrations/1_a.sql:2:12: a NUL byte stands here, "
        "and drivers cut the text there; remove it (a file full of them is UTF-16: "
        "save it as UTF-8)"
    )


def test_a_file_that_may_not_be_read_is_refused(here: Path, put: Put) -> None:
    """A regular file that fails when it is read: here, a process's memory."""
    put("1_a.sql").unlink()
    (here / "migrations" / "1_a.sql").symlink_to("/proc/self/mem")
    assert refusal() == (
        "while resolving migrations: error reading contents of migration "
        f"{here}/migrations/1_a.sql: Input/output error; let the file be read"
    )


@pytest.mark.parametrize(
    "names",
    [
        ("1_a.sql", "1_b.sql"),
        ("1_a.sql", "01_a.sql"),
        ("1_a.sql", "1_a.up.sql"),
        ("1_a.down.sql", "1_b.down.sql"),
        ("+1_a.sql", "1_b.sql", "1_c.sql"),
    ],
)
def test_two_files_of_one_version_are_refused(put: Put, names: tuple[str, ...]) -> None:
    """SQLx applies the first, then fails for ever; all of them are named."""
    for name in names:
        put(name)
    with pytest.raises(DuplicateVersion) as caught:
        read_directory("migrations")
    assert caught.value.version == 1
    assert sorted(caught.value.paths) == sorted(f"migrations/{name}" for name in names)
    assert str(caught.value) == (
        "while resolving migrations: migration 1 stands in two files: "
        f"{' and '.join(caught.value.paths)}; give one of them another version"
    )


# --- what is warned of


@pytest.mark.parametrize("name", ["1-foo.sql", "1.sql", "1_a.SQL", "notes.Sql"])
def test_a_file_that_sqlx_passes_over_in_silence_is_named(put: Put, name: str) -> None:
    """It looks like a migration and is none."""
    put(name)
    source = read_directory("migrations")
    assert source.migrations == ()
    assert source.warnings == (
        SourceWarning(
            "ignored-file",
            f"migrations/{name}",
            "is not named like a migration and is passed over; name it "
            "<version>_<description>.sql, the ending in small letters",
        ),
    )


def test_other_files_are_passed_over_in_silence(put: Put) -> None:
    """Nobody takes these for migrations, and they are not even read."""
    for name in ("README.md", "seed_data.csv", "1_a.sql~", ".gitkeep"):
        put(name, b"\xff\0")
    assert read_directory("migrations") == Source((), "migrations")


def test_a_down_file_without_an_up_file_is_named(put: Put) -> None:
    """It would never be used; beside an up or a simple file it is one of a pair."""
    for name in ("1_a.down.sql", "2_b.down.sql", "2_b.up.sql", "3_c.down.sql"):
        put(name)
    put("3_c.sql")
    source = read_directory("migrations")
    assert source.warnings == (
        SourceWarning(
            "down-without-up",
            "migrations/1_a.down.sql",
            "undoes a version that has no up or simple file; restore that one, or "
            "remove this",
        ),
    )


@pytest.mark.parametrize("content", ["", " \n\t\r\n"])
def test_an_empty_file_is_named(put: Put, content: str) -> None:
    """It is applied, and can be filled no more."""
    put("1_a.sql", content)
    (found,) = read_directory("migrations").warnings
    assert found == SourceWarning(
        "empty-file",
        "migrations/1_a.sql",
        "is empty, and is applied as it is; fill it before that, since its checksum "
        "is kept",
    )


def test_a_file_of_comments_is_not_empty(put: Put) -> None:
    """The template of a down file is often left as it is."""
    put("1_a.sql", "-- Add migration script here\n")
    assert read_directory("migrations").warnings == ()


def test_a_byte_order_mark_is_named(put: Put) -> None:
    """It counts in the checksum and is not executed."""
    put("1_a.sql", b"\xef\xbb\xbfSELECT 1;\n")
    source = read_directory("migrations")
    (found,) = source
    assert (found.sql, found.body) == ("\ufeffSELECT 1;\n", "SELECT 1;\n")
    assert found.checksum == checksum("\ufeffSELECT 1;\n")
    assert source.warnings == (
        SourceWarning(
            "byte-order-mark",
            "migrations/1_a.sql",
            "begins with a byte order mark; it is left out when the file is executed, "
            "while SQLx sends it and most servers refuse it; save the file without, "
            "unless it is applied",
            1,
        ),
    )


def test_a_file_of_a_byte_order_mark_is_empty(put: Put) -> None:
    """Both warnings are given."""
    put("1_a.sql", b"\xef\xbb\xbf\n")
    assert warnings(read_directory("migrations")) == [
        ("byte-order-mark", "migrations/1_a.sql", 1),
        ("empty-file", "migrations/1_a.sql", None),
    ]


# --- no-transaction


@pytest.mark.parametrize(
    "sql",
    [
        "-- no-transaction",
        "-- no-transaction\nVACUUM;",
        "-- no-transaction\r\nVACUUM;",
        "-- no-transactional",
        "-- no-transaction: VACUUM needs it",
    ],
)
def test_the_marker_in_front_is_taken_as_sqlx_takes_it(sql: str) -> None:
    """The first 17 bytes decide, whatever follows them."""
    migration = from_text("1_a.sql", sql)
    assert migration.no_transaction
    assert from_list([migration]).warnings == ()


@pytest.mark.parametrize(
    ("sql", "line"),
    [
        ("\ufeff-- no-transaction\n", 1),
        (" -- no-transaction\n", 1),
        ("\n\n-- no-transaction", 3),
        ("--no-transaction", 1),
        ("--\t no-transaction (an index)", 1),
        ("-- An index.\n-- no-transaction\nCREATE", 2),
        ("-- An index.\r\n\r\n  -- no-transaction\r\nCREATE", 3),
        ("-- An index.\r-- no-transaction\rCREATE", 1),
        ("/* An\nindex */ -- no-transaction", 2),
        ("/* An /* inner; */ ; one */\n/**/-- x\n-- no-transaction.", 3),
        ("\ufeff/**/-- no-transaction", 1),
    ],
)
def test_the_marker_is_found_in_the_comments_in_front(sql: str, line: int) -> None:
    """There SQLx does not see it, and a warning says so."""
    migration = from_text("1_a.sql", sql)
    assert migration.no_transaction
    assert from_list([migration]).warnings[-1] == SourceWarning(
        "no-transaction-not-first",
        "1_a.sql",
        "asks for no transaction, and SQLx sees `-- no-transaction` only as the first "
        "17 bytes of a file; move it there, unless the file is applied",
        line,
    )


@pytest.mark.parametrize(
    "sql",
    [
        "",
        "SELECT 1; -- no-transaction",
        "SELECT 1;\n-- no-transaction",
        "; -- no-transaction",
        "-- no transaction",
        "-- No-Transaction",
        "-- not: no-transaction",
        "\n-- no-transactional",
        "\n-- no-transaction-please",
        "\n- - no-transaction",
        "/* -- no-transaction */",
        "/* no-transaction */",
        "/* open /* */ -- no-transaction",
        "\ufeff\ufeff-- no-transaction",
        "\u00a0-- no-transaction",
    ],
)
def test_the_marker_elsewhere_means_nothing(sql: str) -> None:
    """Behind the first token, within a comment or in other words."""
    assert not from_text("1_a.sql", sql).no_transaction


def test_up_and_down_have_markers_of_their_own(put: Put) -> None:
    """Each file is asked by itself."""
    put("1_a.up.sql", "-- no-transaction\n")
    put("1_a.down.sql", "SELECT 1;")
    found = read_directory("migrations")
    assert [migration.no_transaction for migration in found] == [True, False]


def test_a_migration_in_code_may_say_it_without_the_marker() -> None:
    """SQLx's `Migration::new` takes the flag as it is given."""
    migration = Migration(
        1, "a", Kind.SIMPLE, "VACUUM", checksum("VACUUM"), no_transaction=True, path="a"
    )
    assert warnings(from_list([migration])) == [("no-transaction-not-first", "a", None)]


# --- a list in code


def test_a_list_is_put_in_order() -> None:
    """Whatever order it was given in, and from any iterable."""
    names = ["3_c.sql", "2_b.down.sql", "2_b.up.sql", "1_a.sql"]
    source = from_list((from_text(name, "SELECT 1") for name in names), "x")
    assert [found.path for found in source] == names[::-1]
    assert source.label == "the list given"
    assert source.ignored_chars == {"x"}


def test_a_text_is_read_as_a_file_would_be() -> None:
    """Name and text say all; the name stands for the path."""
    assert from_text("02_add_b.up.sql", "SELECT 1;\r\n", "\r") == Migration(
        version=2,
        description="add b",
        kind=Kind.UP,
        sql="SELECT 1;\r\n",
        checksum=checksum("SELECT 1;\n"),
        no_transaction=False,
        path="02_add_b.up.sql",
    )


def test_a_text_needs_the_name_of_a_migration() -> None:
    """In code there is nothing to pass over."""
    with pytest.raises(SourceError) as caught:
        from_text("1.sql", "SELECT 1")
    assert str(caught.value) == (
        "while resolving migrations: 1.sql: is not named like a migration and is "
        "passed over; name it <version>_<description>.sql, the ending in small letters"
    )


def test_half_of_a_character_is_refused() -> None:
    """Python's text may hold what UTF-8 cannot."""
    with pytest.raises(SourceError) as caught:
        from_text("1_a.sql", "SELECT\n '\ud83d'")
    assert str(caught.value) == (
        "while resolving migrations: 1_a.sql:2:3: half of a surrogate pair stands "
        "here, which is no text; remove it"
    )


def test_a_list_is_checked_as_files_are() -> None:
    """A NUL and a version that stands twice are refused."""
    with pytest.raises(SourceError, match=r"1_a\.sql:1:8: a NUL byte stands here, "):
        from_list([from_text("1_a.sql", "SELECT \0")])
    with pytest.raises(DuplicateVersion, match=r"two files: 1_a\.sql and 1_b\.sql; "):
        from_list([from_text("1_b.sql", "x"), from_text("1_a.sql", "y")])


@pytest.mark.slow
@given(
    st.dictionaries(
        st.integers(-(2**63), 2**63 - 1),
        st.tuples(st.sampled_from(["", "a", "b"]), st.booleans(), st.booleans()),
        max_size=6,
    ),
    st.randoms(use_true_random=False),
)
def test_any_list_comes_out_in_one_order(
    files: dict[int, tuple[str, bool, bool]], shuffler: Random
) -> None:
    """The order that a list is given in changes nothing."""
    given_list = []
    for version, (description, reversible, down) in files.items():
        ending = ".up.sql" if reversible else ".sql"
        given_list.append(from_text(f"{version}_{description}{ending}", "x"))
        if down:
            given_list.append(from_text(f"{version}_{description}.down.sql", "x"))
    expected = from_list(given_list)
    shuffler.shuffle(given_list)
    assert from_list(given_list) == expected
    assert [found.version for found in expected] == sorted(
        found.version for found in given_list
    )


# --- a package


@pytest.fixture
def package() -> Iterator[str]:
    """Name a package that was never imported; forget it afterwards."""
    name = f"shop_{next(numbers)}"
    yield name
    for found in [key for key in sys.modules if key.partition(".")[0] == name]:
        del sys.modules[found]


@pytest.fixture
def installed(tmp_path: Path, package: str, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Lay a package with two migrations where Python finds it, as pip does."""
    folder = tmp_path / package
    (folder / "db" / "migrations").mkdir(parents=True)
    (folder / "__init__.py").write_text("")
    (folder / "db" / "migrations" / "2_b.sql").write_text("SELECT 2;")
    (folder / "db" / "migrations" / "1_a.sql").write_text("SELECT 1;")
    (folder / "migrations").symlink_to("db/migrations")
    monkeypatch.syspath_prepend(tmp_path)
    return folder


@pytest.fixture
def zipped(tmp_path: Path, package: str, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Lay the same package into a zip, without entries for its directories."""
    path = tmp_path / "site.zip"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr(f"{package}/__init__.py", "")
        archive.writestr(f"{package}/migrations/2_b.sql", "SELECT 2;")
        archive.writestr(f"{package}/migrations/1_a.sql", "SELECT 1;")
        archive.writestr(f"{package}/migrations/1.SQL", "")
        archive.writestr(f"{package}/migrations/below/3_c.sql", "SELECT 3;")
    monkeypatch.syspath_prepend(path)
    return path


def test_an_installed_package_is_read(installed: Path, package: str) -> None:
    """Its files are named by their real paths, so that an editor opens them."""
    source = read_package(package)
    assert source.label == f"{package}:migrations"
    assert [(found.path, found.sql) for found in source] == [
        (f"{installed}/migrations/1_a.sql", "SELECT 1;"),
        (f"{installed}/migrations/2_b.sql", "SELECT 2;"),
    ]


def test_a_module_stands_for_its_package(installed: Path, package: str) -> None:
    """And the directory may lie deeper."""
    source = read_package(import_module(package), "db/migrations", "1")
    assert source.label == f"{package}:db/migrations"
    assert source.migrations[0].path == f"{installed}/db/migrations/1_a.sql"
    assert source.migrations[0].checksum == checksum("SELECT ;")


def test_a_directory_can_be_a_package_itself(installed: Path, package: str) -> None:
    """With or without `__init__.py`: a namespace package has no one folder."""
    plain = [found.sql for found in read_package(f"{package}.db.migrations", "")]
    (installed / "db" / "migrations" / "__init__.py").write_text("")
    for found in (f"{package}.db.migrations", f"{package}.db"):
        sys.modules.pop(found)
    proper = [found.sql for found in read_package(f"{package}.db.migrations", "")]
    assert plain == proper == ["SELECT 1;", "SELECT 2;"]


def test_a_zipped_package_is_read(zipped: Path, package: str) -> None:
    """One level deep, with the same rules; the path says where in the zip."""
    source = read_package(package)
    inside = f"{zipped}/{package}/migrations"
    assert source.label == f"{package}:migrations"
    assert [(found.path, found.sql) for found in source] == [
        (f"{inside}/1_a.sql", "SELECT 1;"),
        (f"{inside}/2_b.sql", "SELECT 2;"),
    ]
    assert warnings(source) == [("ignored-file", f"{inside}/1.SQL", None)]


@pytest.mark.parametrize("where", ["installed", "zipped"])
def test_a_package_without_the_directory_is_refused(
    request: pytest.FixtureRequest, package: str, where: str
) -> None:
    """Most often the build leaves data files out."""
    request.getfixturevalue(where)
    with pytest.raises(SourceError) as caught:
        read_package(package, "schema")
    assert str(caught.value) == (
        f"while resolving migrations: error canonicalizing path {package}:schema: the "
        "package has no such directory; let its build include the files, or name "
        "another one"
    )


def test_a_package_that_cannot_be_imported_is_refused() -> None:
    """Python's words, then the mend."""
    with pytest.raises(SourceError) as caught:
        read_package("no_such_package_here")
    assert str(caught.value) == (
        "while resolving migrations: error canonicalizing path "
        "no_such_package_here:migrations: No module named 'no_such_package_here'; "
        "name a package that can be imported"
    )
