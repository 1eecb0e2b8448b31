"""Who deploys: a clone of the repository, a terminal, and a host to work on."""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
import re
import select
import signal
import struct
import subprocess
import sys
import termios
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from drill.host import NAME
from drill.poll import Seen

if TYPE_CHECKING:
    from collections.abc import Iterator

    from drill.host import Host
    from drill.images import Images

__all__ = ["DEPLOY", "ROLL_BACK", "UNINSTALL", "Desk", "Said"]

ROOT = Path(__file__).resolve().parent.parent.parent
BIN = ROOT / ".venv/bin"
POLL = Path(__file__).with_name("poll.py")
PLAY = "ansible-playbook -i ansible/inventory/hosts.yml ansible/{} --ask-vault-pass"
DEPLOY, ROLL_BACK, UNINSTALL = map(
    PLAY.format, ("site.yml", "rollback.yml", "uninstall.yml")
)
# What talks to the host, or to a service there.
TALKS_TO_HOST = re.compile(r"(?:ansible[\w-]*|curl|ssh|scp) ")
PATIENCE_SECONDS = 300
PROMPT = b"ault password: "


@dataclass(frozen=True, slots=True)
class Said:
    """What a command said, both of its streams, how it ended, and how long it took."""

    code: int
    text: str
    seconds: float

    def of_run(self, name: str) -> int:
        """Read a number of Ansible's recap, such as `changed`."""
        recap = re.search(rf"^{NAME}\s*:.*\b{name}=(\d+)", self.text, re.MULTILINE)
        assert recap is not None, self.text
        return int(recap[1])


@dataclass(frozen=True, slots=True)
class Desk:
    """An operator's place.

    Args:
        clone: The clone of the repository.
        host: The server.
        password: What opens the vault.
        images: What a build in containers is made of.
        heard: All that was said to the operator.
    """

    clone: Path
    host: Host
    password: str
    images: Images
    heard: list[str] = field(default_factory=list)

    @property
    def environ(self) -> dict[str, str]:
        """The environment of what is typed in the clone."""
        kept = re.compile("HOME|LANG|XDG_CACHE_HOME|PIP_.*|SSL_.*")
        ours = {name: os.environ[name] for name in os.environ if kept.fullmatch(name)}
        sources = f"{self.clone}/src:{self.clone}/packages/sqlx-py/src"
        return (
            ours
            | self.host.ansible
            | self.images.environ
            | {
                "PATH": f"{BIN}:{os.environ['PATH']}:/usr/sbin:/sbin",
                "PYTHONPATH": sources,  # .venv knows those of its own checkout.
                "ANSIBLE_NOCOLOR": "1",
                "PAGER": "cat",
            }
        )

    def type_in(self, command: str) -> Said:
        """Type a line in the clone, and the vault's password when it is asked for."""
        shell: list[str] = ["sh", "-c", command]
        if TALKS_TO_HOST.match(command):
            shell = self.host.desk(*shell, cwd=self.clone)
        started = time.monotonic()
        ours, theirs = os.openpty()
        fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 50, 120, 0, 0))
        with subprocess.Popen(
            ["setsid", "--ctty", "--wait", *shell],
            cwd=self.clone,
            env=self.environ,
            stdin=theirs,
            stdout=theirs,
            stderr=theirs,
        ) as process:
            os.close(theirs)
            try:
                heard = self.converse(ours)
            except BaseException:
                os.killpg(process.pid, signal.SIGTERM)  # All that it has started.
                raise
        text = heard.decode(errors="replace").replace("\r\n", "\n")
        self.heard.append(text)
        return Said(process.returncode, text, time.monotonic() - started)

    def converse(self, terminal: int) -> bytes:
        """Read until nobody writes any more, and answer the prompt."""
        heard = b""
        with open(terminal, "rb", buffering=0) as ours, contextlib.suppress(OSError):
            # An error is how Linux says that nobody is there any more.
            while select.select([ours], [], [], PATIENCE_SECONDS)[0]:
                heard += os.read(terminal, 65536)
                if heard.endswith(PROMPT):
                    os.write(terminal, f"{self.password}\n".encode())
        return heard  # Who was silent for too long has lost the terminal, and ends.

    def on_host(self, command: str) -> Said:
        """Type a line on the host."""
        started = time.monotonic()
        done = self.host.ssh(f"exec 2>&1\n{command}")
        self.heard.append(done.stdout)
        return Said(done.returncode, done.stdout, time.monotonic() - started)

    def must(self, command: str) -> str:
        """Type a line on the host that has to work, and give what it says."""
        said = self.on_host(command)
        assert said.code == 0, f"{command}\n{said.text}"
        return said.text

    def wait_for(self, condition: str) -> None:
        """Wait until a command works on the host; two minutes at most."""
        again = f"for _ in $(seq 240); do {condition} && exit; sleep 0.5; done; exit 1"
        self.must(again)

    def deploy(self, release: str = "", *, fails: bool = False) -> Said:
        """Run the playbook as it is documented: the newest release, or a named one."""
        named = f" -e release={release}" if release else ""
        return self.play(DEPLOY + named, fails=fails)

    def play(self, command: str, *, fails: bool = False) -> Said:
        """Run a playbook."""
        said = self.type_in(command)
        assert (said.code != 0) is fails, said.text
        return said

    def live(self) -> str:
        """Name the release that is live."""
        return self.must("cat /home/smally/smally-api/RELEASE").strip()

    def ready(self) -> str:
        """Ask from outside whether the service is ready."""
        return self.type_in(
            f"curl --silent --insecure --write-out ' %{{http_code}}' "
            f"https://{NAME}/health/ready"
        ).text

    def journal(self) -> list[str]:
        """Read the end of the journal, as it is documented; without its prefixes."""
        lines = self.must("sudo journalctl -u smally -n 50").splitlines()
        return [line.partition("]: ")[2] for line in lines]

    def schema(self) -> str:
        """Dump the schema; the history's own tables are not of it."""
        dump = "sudo -u postgres pg_dump -s --exclude-table='_sqlx_*' smally"
        # Newer ones begin and end with \restrict and a word of their own.
        return self.must(f"cd / && {dump} | grep -v '^.\\(un\\)\\?restrict '")

    def states(self) -> dict[str, str]:
        """Ask the live release about its migrations: each version's state."""
        info = "cd /home/smally/smally-api && sqlx migrate info --format json"
        told = json.loads(self.must(f"{info} 2>/dev/null"))
        return {str(one["version"]): one["state"] for one in told["migrations"]}

    def add_migration(self, name: str, text: str) -> str:
        """Commit a migration to the clone, as a developer does; give its version."""
        made = self.type_in(f"sqlx migrate add {name}")
        path = re.search(rf"migrations/(\d+)_{name}\.sql", made.text)
        assert path is not None, made.text
        (self.clone / path[0]).write_text(text)
        for command in (
            "sqlx prepare --scratch postgres",
            f"git add --all && git commit --quiet --message 'feat: {name}'",
        ):
            done = self.type_in(command)
            assert done.code == 0, done.text
        return path[1]

    @contextlib.contextmanager
    def watching(self, path: str, key: str = "") -> Iterator[list[Seen]]:
        """Ask the service all the time, and say at the end what was seen."""
        asking = self.host.desk(sys.executable, POLL, f"https://{NAME}{path}", key)
        seen: list[Seen] = []
        with subprocess.Popen(
            asking, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        ) as process:
            assert process.stdin is not None
            assert process.stdout is not None
            assert process.stdout.readline() == "answers\n"
            yield seen
            process.stdin.close()
            seen.append(Seen(**json.loads(process.stdout.read())))
