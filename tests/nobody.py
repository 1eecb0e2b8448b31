"""To be somebody else: the account nobody, where there is the account smally."""

from __future__ import annotations

import os
import pwd
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest
from service import surroundings

__all__ = ["Nobody"]

AS_NOBODY = ("setpriv", "--reuid=65534", "--regid=65534", "--clear-groups", "--")
BEGIN = 'mount --bind "$0" /etc/passwd; exec "$@"'
# This one may lie in a home where nobody may look.
PYTHONS = (sys.executable, f"/usr/bin/python3.{sys.version_info.minor}")


@dataclass(frozen=True, slots=True)
class Nobody:
    """An account without rights, on a machine of its own making.

    Args:
        accounts: Stands for /etc/passwd, for its processes alone.
        program: The command `smally`, run by a Python that it may run.
    """

    accounts: Path
    program: Path

    @classmethod
    def at(cls, folder: Path) -> Nobody:
        """Write the accounts and the program, or skip the test and say why."""
        if os.geteuid() != 0:
            pytest.skip("only root can be nobody")
        if subprocess.run(["unshare", "--mount", "true"], check=False).returncode:
            pytest.skip("only with CAP_SYS_ADMIN can there be another /etc/passwd")
        accounts = Path(shutil.copy("/etc/passwd", folder / "passwd"))
        taken = max(entry.pw_uid for entry in pwd.getpwall() if entry.pw_uid < 60_000)
        with accounts.open("a") as file:
            file.write(f"smally:x:{taken + 1}:{taken + 1}::/:/bin/sh\n")
        program = folder / "smally"
        for python in PYTHONS:
            path = os.pathsep.join(sys.path)
            program.write_text(
                f'#!/bin/sh\nPYTHONPATH={path} exec {python} -m smally "$@"\n'
            )
            program.chmod(0o755)
            nobody = cls(accounts, program)
            if nobody.run(folder, program, "--version").returncode == 0:
                return nobody
        pytest.skip("there is no Python of this version that nobody can run")

    def run(self, cwd: Path, *words: str | Path) -> subprocess.CompletedProcess[str]:
        """Run a command to its end."""
        begin = ("unshare", "--mount", "sh", "-ec", BEGIN, self.accounts)
        return subprocess.run(
            [*begin, *AS_NOBODY, *words],
            cwd=cwd,
            env=surroundings(),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
        )
