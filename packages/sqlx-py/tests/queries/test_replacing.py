"""Files get their bytes all together or not at all, whatever happens."""

from __future__ import annotations

import os
import resource
import signal
import stat
import subprocess
import sys
import time
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from sqlx.errors import CacheError
from sqlx.queries.caching.replacing import remove_files, replace_files

if TYPE_CHECKING:
    from collections.abc import Iterator

NOBODY = 65534


@pytest.fixture(autouse=True)
def _here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    tmp_path.chmod(0o755)
    monkeypatch.chdir(tmp_path)


def tree(folder: str = "cache") -> dict[str, bytes | None]:
    """Read all that lies below a folder; folders are None."""
    found = sorted(Path(folder).rglob("*"))
    names = (path.relative_to(folder).as_posix() for path in found)
    data = (None if path.is_dir() else path.read_bytes() for path in found)
    return dict(zip(names, data, strict=True))


@contextmanager
def unprivileged() -> Iterator[None]:
    """Be subject to permissions, also where the tests run as root."""
    root = os.geteuid() == 0
    if root:
        os.seteuid(NOBODY)
    try:
        yield
    finally:
        if root:
            os.seteuid(0)


@contextmanager
def file_size(size_bytes: int) -> Iterator[None]:
    """Let a file have no more than this, as on a disk that fills up."""
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size_bytes, limits[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)


def refusal(files: dict[str, bytes], directory: str = "cache") -> str:
    """Fail to write, and give the message."""
    with pytest.raises(CacheError) as caught:
        replace_files(directory, files)
    return str(caught.value)


MEND = "let it be a directory with room, in which you may write"


def test_files_are_made_and_replaced() -> None:
    """Folders too; the names that changed are told, in the order given."""
    assert replace_files("cache", {"b": b"1", "a/c": b"2", "a/d": b""}) == (
        *("b", "a/c", "a/d"),
    )
    inode = Path("cache/b").stat().st_ino
    assert replace_files("cache", {"e": b"5", "a/c": b"4", "b": b"1"}) == ("e", "a/c")
    assert tree() == {"a": None, "a/c": b"4", "a/d": b"", "b": b"1", "e": b"5"}
    assert Path("cache/b").stat().st_ino == inode


def test_files_have_the_permissions_of_any_new_file() -> None:
    """Those that the user's umask leaves, so that colleagues can read them."""
    replace_files("cache", {"a": b"1"})
    Path("any").touch()
    assert Path("cache/a").stat().st_mode == Path("any").stat().st_mode


def test_nothing_to_write_leaves_the_directory_as_it_is() -> None:
    """Its time of change, too, and where it may not be written."""
    replace_files("cache", {"a": b"1"})
    os.utime("cache", (1, 1))
    Path("cache").chmod(0o555)
    with unprivileged():
        assert replace_files("cache", {"a": b"1"}) == ()
    assert Path("cache").stat().st_mtime == 1


def test_a_directory_that_cannot_be_written_is_an_error() -> None:
    """The old files are whole."""
    replace_files("cache", {"a": b"1"})
    Path("cache").chmod(0o555)
    with unprivileged():
        message = refusal({"a": b"2"})
    assert message.startswith("cache: cannot write there: Permission denied (")
    assert message.endswith(f"); {MEND}")
    assert tree() == {"a": b"1"}


def test_a_directory_that_cannot_be_made_is_an_error() -> None:
    """The message names what is in the way."""
    Path("parent").mkdir(0o555)
    with unprivileged():
        message = refusal({"a": b"1"}, "parent/cache")
    assert message == (
        f"parent/cache: cannot write there: Permission denied (parent/cache); {MEND}"
    )


@pytest.mark.parametrize("directory", ["cache", "cache/below"])
def test_a_file_where_the_directory_should_be_is_an_error(directory: str) -> None:
    """It stays as it is."""
    Path("cache").write_bytes(b"mine")
    message = refusal({"a": b"1"}, directory)
    assert message.startswith(f"{directory}: cannot write there: ")
    assert Path("cache").read_bytes() == b"mine"


def test_a_directory_where_a_file_should_be_is_an_error() -> None:
    """It is found before anything is written."""
    Path("cache/b").mkdir(parents=True)
    message = refusal({"a": b"1", "b": b"2"})
    assert message == (f"cache: cannot write there: Is a directory (cache/b); {MEND}")
    assert tree() == {"b": None}


def test_a_read_only_file_is_replaced() -> None:
    """As SQLx does; one that may not even be read counts as another one."""
    replace_files("cache", {"a": b"1", "b": b"1"})
    Path("cache").chmod(0o777)
    Path("cache/a").chmod(0o444)
    Path("cache/b").chmod(0o000)
    with unprivileged():
        assert replace_files("cache", {"a": b"2", "b": b"1"}) == ("a", "b")
    assert tree() == {"a": b"2", "b": b"1"}
    assert stat.S_IMODE(Path("cache/b").stat().st_mode) != 0


def test_a_link_is_replaced_and_a_linked_directory_is_written_through() -> None:
    """What a link points to, nobody has named."""
    Path("real").mkdir()
    Path("cache").symlink_to("real")
    Path("elsewhere").write_bytes(b"theirs")
    Path("real/a").symlink_to("../elsewhere")
    Path("real/b").symlink_to("../nowhere")
    assert replace_files("cache", {"a": b"1", "b": b"2"}) == ("a", "b")
    assert Path("elsewhere").read_bytes() == b"theirs"
    assert Path("cache").is_symlink()
    assert tree("real") == {"a": b"1", "b": b"2"}
    assert not Path("real/a").is_symlink()


def test_a_disk_that_fills_up_leaves_all_old_files_whole() -> None:
    """Also those whose new bytes had been written already."""
    replace_files("cache", {"a": b"1", "b": b"1", "c": b"1"})
    before = tree()
    with file_size(1000):
        message = refusal({"a": b"2", "d": b"2", "b": b"2" * 2000, "c": b"2"})
    assert message.startswith("cache: cannot write there: File too large (")
    assert tree() == before


def test_what_a_killed_run_left_is_swept() -> None:
    """Even by a run that has nothing else to write."""
    replace_files("cache", {"a": b"1"})
    Path("cache/.writing-killed/below").mkdir(parents=True)
    Path("cache/.writing-killed/0").write_bytes(b"half")
    assert replace_files("cache", {"a": b"1"}) == ()
    assert tree() == {"a": b"1"}


def test_files_are_removed() -> None:
    """One that is gone already is no error."""
    replace_files("cache", {"a": b"1", "b": b"1", "c/d": b"1"})
    remove_files("cache", ["b", "x", "c/d"])
    assert tree() == {"a": b"1", "c": None}


def test_a_file_that_cannot_be_removed_is_an_error() -> None:
    """The message names it."""
    replace_files("cache", {"a": b"1"})
    Path("cache").chmod(0o555)
    with unprivileged(), pytest.raises(CacheError) as caught:
        remove_files("cache", ["a"])
    assert str(caught.value) == (
        f"cache: cannot write there: Permission denied (cache/a); {MEND}"
    )


WRITER = """
import itertools, sys
from sqlx.queries.caching.replacing import replace_files
name, rounds = sys.argv[1], int(sys.argv[2])
for number in range(rounds):
    data = f"{name} {number}\\n".encode() * 500
    replace_files("cache", {f"file-{n}": data for n in range(20)})
    if not number: print("begun", flush=True)
"""


def writer(name: str, rounds: int) -> subprocess.Popen[str]:
    """Start a process that writes the same files again and again."""
    command = [sys.executable, "-c", WRITER, name, str(rounds)]
    return subprocess.Popen(command, stdout=subprocess.PIPE, text=True)


def whole(data: bytes | None) -> bool:
    """Whether all lines of a file are of one writer's one round."""
    assert data is not None
    lines = data.splitlines()
    return len(lines) == 500 and len({*lines}) == 1


@pytest.mark.slow
def test_two_runs_at_once_write_whole_files() -> None:
    """None fails, none leaves anything behind, and a reader sees no half of a file."""
    with writer("one", 20) as one, writer("two", 20) as two:
        assert one.stdout is not None
        assert one.stdout.readline() == "begun\n"
        while one.poll() is None or two.poll() is None:
            assert whole(Path("cache/file-7").read_bytes())
            time.sleep(0.001)
    assert (one.returncode, two.returncode) == (0, 0)
    assert [*tree()] == sorted(f"file-{n}" for n in range(20))
    assert len({*tree().values()}) == 1


@pytest.mark.parametrize("seed", range(3))
def test_a_killed_run_leaves_whole_files(seed: int) -> None:
    """Wherever the kill meets it; the next run sweeps, and is complete."""
    with writer("one", 100_000) as one:
        assert one.stdout is not None
        assert one.stdout.readline() == "begun\n"
        time.sleep(0.007 * (seed + 1))
        one.send_signal(signal.SIGKILL)
    left = tree()
    files = {name: data for name, data in left.items() if name.startswith("file")}
    assert len(files) == 20
    assert all(map(whole, files.values()))
    replace_files("cache", {"file-0": b"next"})
    assert tree() == {**files, "file-0": b"next"}
