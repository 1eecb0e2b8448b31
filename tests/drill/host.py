"""Debian hosts of our own: debootstrap makes them, systemd-nspawn boots them.

The base tree is made once and kept in the cache; a host is an overlay on it. Each lives
in a network of its own with two ends: the host (smally.test, 10.77.0.2), and the desk
(10.77.0.1) from which an operator works with ssh; neither has a route to anywhere
else. Mounts and networks belong to the host's process: they end with it, however it
ends.

By hand, as root:

    .venv/bin/python tests/drill/host.py up NAME
    .venv/bin/python tests/drill/host.py start NAME  (again, after a reboot)
    .venv/bin/python tests/drill/host.py ssh NAME COMMAND
    .venv/bin/python tests/drill/host.py desk NAME PROGRAM ARGUMENTS
    .venv/bin/python tests/drill/host.py down NAME
"""

from __future__ import annotations

import argparse
import contextlib
import fcntl
import hashlib
import os
import select
import shutil
import signal
import socket
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["NAME", "USER", "Host", "base_tree", "missing", "running"]

NAME = "smally.test"
ADDRESS = "10.77.0.2"
USER = "deploy"
BOOT_SECONDS = 120
PATIENCE_SECONDS = 300
HOSTS = Path("/var/tmp/smally-drill")  # noqa: S108 -- of root, and refused otherwise.
CGROUPS = (
    Path("/sys/fs/cgroup"),
    Path("/sys/fs/cgroup/systemd"),
    Path("/sys/fs/cgroup/unified"),
)
PROGRAMS = ("debootstrap", "systemd-nspawn", "ip", "nsenter", "setpriv", "ssh")
SUITE = "bookworm"
PACKAGES = (
    "acl",
    "ca-certificates",
    "curl",
    "dbus",
    "iproute2",
    "nginx",
    "openssh-server",
    "openssl",
    "postgresql",
    "procps",
    "python3",
    "python3-psycopg2",
    "python3-venv",
    "sudo",
    "systemd",
    "systemd-sysv",
    "tzdata",
)

# What an operator finds on a rented server: ssh, and a user with sudo. The package
# index is taken away, so that nothing can be installed from it unnoticed.
FURNISH = f"""
set -eu
useradd --create-home --shell /bin/bash {USER}
echo '{USER} ALL=(ALL) NOPASSWD: ALL' >/etc/sudoers.d/{USER}
chmod 0440 /etc/sudoers.d/{USER}
echo drill >/etc/hostname
echo '127.0.0.1 localhost drill' >/etc/hosts
: >/etc/machine-id
# While this was made, a server of the machine's own may have had this port.
sed -i 's/^port = .*/port = 5432/' /etc/postgresql/*/main/postgresql.conf
: >/etc/resolv.conf
: >/etc/apt/sources.list
rm -rf /var/lib/apt/lists/* /var/cache/apt/archives/*.deb
"""

# Runs in a mount namespace and a network namespace of its own, and becomes the host.
START = f"""
set -eu
for tree in {" ".join(map(str, CGROUPS))}; do
    [ -e "$tree/cgroup.procs" ] || continue
    mkdir -p "$tree/$CGROUP"
    echo $$ >"$tree/$CGROUP/cgroup.procs"
done
cd "$FOLDER"
mount --bind hosts /etc/hosts
mount -t overlay overlay -o "lowerdir=$BASE,upperdir=upper,workdir=work" root
unshare --net=net true
ip link set lo up
ip link add desk type veth peer name host0
ip address add 10.77.0.1/24 dev desk
ip link set desk up
ip link set host0 netns "$FOLDER/net"
nsenter --net=net ip link set lo up
nsenter --net=net ip address add {ADDRESS}/24 dev host0
nsenter --net=net ip link set host0 up
exec setpriv ${{DEATH:+--pdeathsig $DEATH}} systemd-nspawn --directory=root --boot \\
    --quiet --register=no --keep-unit --machine="$CGROUP" --hostname=drill \\
    --network-namespace-path="$FOLDER/net" --resolv-conf=off --timezone=off \\
    --link-journal=no --console=pipe --notify-ready=yes \\
    --bind-ro="$FOLDER/key.pub:/home/{USER}/.ssh/authorized_keys"
"""


def missing() -> str:
    """Say what this machine lacks to make hosts; empty when nothing."""
    if os.geteuid() != 0:
        return "root"
    lacking = (name for name in PROGRAMS if shutil.which(name) is None)
    return next(lacking, "")


def base_tree() -> Path:
    """Make the tree that all hosts share, or find it in the cache."""
    recipe = "\n".join((SUITE, *PACKAGES, FURNISH)).encode()
    name = hashlib.sha256(recipe).hexdigest()[:12]
    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    tree = cache / "sqlx-py" / "host" / name
    tree.parent.mkdir(parents=True, exist_ok=True)
    with tree.with_suffix(".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not tree.exists():
            make_base(tree)
    return tree


def make_base(tree: Path) -> None:
    """Install Debian into a tree, from the mirror that this machine uses itself."""
    half = tree.with_suffix(".half")
    shutil.rmtree(half, ignore_errors=True)
    options = ["--variant=minbase", f"--include={','.join(PACKAGES)}", SUITE]
    run("debootstrap", *options, half, mirror())
    run("chroot", half, "sh", "-c", FURNISH)
    half.rename(tree)


def mirror() -> str:
    """Ask apt where this machine takes Debian from."""
    asked = ("--format", "$(REPO_URI)", "Created-By: Packages", f"Codename: {SUITE}")
    question = ("apt-get", "indextargets", *asked, "Origin: Debian")
    if not (found := run(*question).split()):
        run("apt-get", "update")  # Before that, apt knows nobody's codename.
        found = run(*question).split()
    if not found:
        raise LookupError(f"apt knows no mirror of Debian {SUITE}")
    return found[0]


def run(*command: str | Path) -> str:
    """Run a command and return what it prints; its complaints stand in the error."""
    done = subprocess.run(command, check=False, capture_output=True, text=True)
    if done.returncode:
        said = f"{done.stdout}{done.stderr}".strip()
        raise RuntimeError(f"{command[0]}: exit code {done.returncode}\n{said[-4000:]}")
    return done.stdout


@dataclass(frozen=True, slots=True)
class Host:
    """A host by its name; all its state lies in its folder."""

    name: str

    @property
    def folder(self) -> Path:
        """The folder of its files, its key and its process's number."""
        return HOSTS / self.name

    @property
    def pid(self) -> int:
        """The number of the process that it runs in."""
        return int((self.folder / "pid").read_text())

    @property
    def cgroup(self) -> str:
        """Its name among this machine's control groups, and as a container."""
        return f"smally-drill-{self.name}"

    def make(self, source: Host | None = None) -> None:
        """Lay its files out: fresh, or as another host, powered off, left them."""
        HOSTS.mkdir(mode=0o700, exist_ok=True)
        if HOSTS.stat().st_uid != os.geteuid():
            raise PermissionError(f"{HOSTS} belongs to another user")
        self.folder.mkdir()
        for name in ("work", "root", "upper"):
            (self.folder / name).mkdir()
        if source is not None:
            run("cp", "--archive", f"{source.folder}/upper/.", self.folder / "upper")
        (self.folder / "net").touch()
        key = ("-q", "-t", "ed25519", "-N", "", "-C", "drill", "-f")
        run("ssh-keygen", *key, self.folder / "key")
        key_of_host = base_tree() / "etc/ssh/ssh_host_ed25519_key.pub"
        known = f"{NAME},{ADDRESS} {key_of_host.read_text()}"
        (self.folder / "known_hosts").write_text(known)
        names = f"127.0.0.1 localhost\n{ADDRESS} {NAME}\n"
        (self.folder / "hosts").write_text(names)

    def start(self, *, outlive: bool = False) -> None:
        """Boot, and wait until systemd says that it has; it ends with this process.

        Args:
            outlive: Leave it running when this process ends.
        """
        with self.notified() as socket_of_ours:
            self.spawn(death="" if outlive else "TERM")
            try:
                self.await_boot(socket_of_ours)
            except BaseException:
                self.stop()
                raise

    def reboot(self) -> None:
        """Reboot as an operator does, and wait until it is up again.

        With --keep-unit systemd-nspawn ends at a reboot, for whoever started it to
        start it again.
        """
        ended = self.process()
        self.ssh("sudo systemctl reboot")
        self.await_end(ended)
        self.start()

    def notified(self) -> socket.socket:
        """Open the socket to which the host says that it is up."""
        place = self.folder / "notify"
        place.unlink(missing_ok=True)
        opened = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        opened.bind(str(place))
        return opened

    def spawn(self, death: str) -> None:
        """Start its process, in a session of its own: Ctrl-C is not for it."""
        environment = {
            "PATH": "/usr/sbin:/usr/bin:/sbin:/bin",
            "BASE": str(base_tree()),
            "FOLDER": str(self.folder),
            "CGROUP": self.cgroup,
            "DEATH": death,
            "NOTIFY_SOCKET": f"{self.folder}/notify",
        }
        with (self.folder / "console").open("ab") as console:
            process = subprocess.Popen(
                ["unshare", "--mount", "--net", "sh", "-c", START],
                env=environment,
                stdin=subprocess.DEVNULL,
                stdout=console,
                stderr=console,
                start_new_session=True,
            )
        (self.folder / "pid").write_text(str(process.pid))
        process.returncode = 0  # stop() waits for it, perhaps from another process.

    def await_boot(self, notified: socket.socket) -> None:
        """Wait for READY=1, or for the end of the process."""
        ended, said = os.pidfd_open(self.pid), notified.fileno()
        try:
            while select.select([said, ended], [], [], BOOT_SECONDS)[0] == [said]:
                if b"READY=1" in notified.recv(4096).splitlines():
                    return
        finally:
            os.close(ended)
        console = (self.folder / "console").read_text(errors="replace")
        raise RuntimeError(f"{self.name} does not boot:\n{console[-4000:]}")

    def stop(self) -> None:
        """Power off, as a press on the button does; pull the plug when it hangs."""
        ended = self.process()
        if ended is not None:
            signal.pidfd_send_signal(ended, signal.SIGTERM)
        self.await_end(ended)

    def await_end(self, ended: int | None) -> None:
        """Wait for the end of its process, and remove the control groups it leaves."""
        if ended is not None:
            if not select.select([ended], [], [], BOOT_SECONDS)[0]:
                signal.pidfd_send_signal(ended, signal.SIGKILL)
                select.select([ended], [], [])
            os.close(ended)
        with contextlib.suppress(ChildProcessError, FileNotFoundError):
            os.waitpid(self.pid, 0)
        for tree in CGROUPS:
            for folder, _, _ in os.walk(tree / self.cgroup, topdown=False):
                Path(folder).rmdir()

    def process(self) -> int | None:
        """Open a handle on its process, when that is still the one we started."""
        with contextlib.suppress(FileNotFoundError, ProcessLookupError):
            handle = os.pidfd_open(self.pid)
            if b"systemd-nspawn" in Path(f"/proc/{self.pid}/cmdline").read_bytes():
                return handle
            os.close(handle)
        return None

    def remove(self) -> None:
        """Power off, and leave nothing behind."""
        self.stop()
        shutil.rmtree(self.folder, ignore_errors=not self.folder.exists())

    def desk(self, *command: str | Path, cwd: Path | None = None) -> list[str]:
        """Write the command which runs a program where the operator sits."""
        enter = ["nsenter", "--net", "--mount", f"--target={self.pid}", "--"]
        return [*enter, "env", f"--chdir={cwd or Path.cwd()}", *map(str, command)]

    @property
    def ssh_options(self) -> list[str]:
        """The options with which ssh finds its key, and knows the host's."""
        return [
            *("-F", "none", "-o", "BatchMode=yes", "-o", "LogLevel=ERROR"),
            *("-o", f"UserKnownHostsFile={self.folder}/known_hosts"),
            *("-i", f"{self.folder}/key"),
        ]

    @property
    def ansible(self) -> dict[str, str]:
        """The settings with which Ansible does as ssh does, as environment variables.

        A control socket is of this host and of this boot: all hosts share an address.
        """
        return {
            "ANSIBLE_PRIVATE_KEY_FILE": f"{self.folder}/key",
            "ANSIBLE_SSH_COMMON_ARGS": " ".join(self.ssh_options[:-2]),
            "ANSIBLE_SSH_CONTROL_PATH_DIR": f"{self.folder}/ssh{self.pid}",
        }

    def ssh(self, command: str) -> subprocess.CompletedProcess[str]:
        """Run a line of shell on the host, as its ordinary user."""
        return subprocess.run(
            self.desk("ssh", *self.ssh_options, f"{USER}@{NAME}", command),
            check=False,
            capture_output=True,
            text=True,
            stdin=subprocess.DEVNULL,
            timeout=PATIENCE_SECONDS,
        )


@contextlib.contextmanager
def running(name: str, source: Host | None = None) -> Iterator[Host]:
    """Lend a booted host, and leave nothing of it behind."""
    host = Host(name)
    host.make(source)
    try:
        host.start()
        yield host
    finally:
        host.remove()


def up(host: Host) -> int:
    """Boot a fresh host, which stays until `down`."""
    host.make()
    host.start(outlive=True)
    sys.stdout.write(f"{USER}@{NAME}, key: {host.folder}/key\n")
    return 0


def main(arguments: list[str]) -> int:
    """Do by hand what the drill's fixtures do."""
    parser = argparse.ArgumentParser(prog="host.py", description="A host to try on.")
    parser.add_argument("what", choices=("up", "start", "ssh", "desk", "down"))
    parser.add_argument("name")
    parser.add_argument("command", nargs=argparse.REMAINDER)
    given = parser.parse_args(arguments)
    host = Host(given.name)
    if given.what == "up":
        return up(host)
    if given.what == "start":
        host.start(outlive=True)
        return 0
    if given.what == "down":
        host.remove()
        return 0
    command = given.command
    if given.what == "ssh":
        command = ["ssh", *host.ssh_options, f"{USER}@{NAME}", *command]
    return subprocess.call(host.desk(*command), env=os.environ | host.ansible)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
