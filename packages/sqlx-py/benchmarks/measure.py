"""Run a process and measure it: time, processor, memory."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

__all__ = ["Failed", "Sample", "measure", "memory_mb"]

# A process inherits the peak of the one that forked it, so a small one forks.
SMALL_PARENT = """
import os, sys
child = os.posix_spawnp(sys.argv[1], sys.argv[1:], os.environ)
_, status, usage = os.wait4(child, 0)
sys.stderr.write(f"\\n{usage.ru_maxrss}")
sys.exit(os.waitstatus_to_exitcode(status))
"""


class Failed(Exception):
    """A measured process ended with an error."""


@dataclass(frozen=True, slots=True)
class Sample:
    """What one process took.

    Args:
        seconds: From its start to its end.
        cpu_seconds: Of the processor.
        output: What it said.
    """

    seconds: float
    cpu_seconds: float
    output: str


def measure(
    command: Sequence[str], folder: Path, variables: Mapping[str, str]
) -> Sample:
    """Run a process to its end.

    Raises:
        Failed: It ended with an error.
    """
    path = folder / "output"
    started = time.perf_counter()
    with path.open("wb") as output:
        process = subprocess.Popen(
            command,
            cwd=folder,
            env={"PATH": os.environ["PATH"], "HOME": str(folder), **variables},
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
        )
        _, status, usage = os.wait4(process.pid, 0)
    seconds = time.perf_counter() - started
    process.returncode = os.waitstatus_to_exitcode(status)
    said = path.read_text(encoding="utf-8", errors="replace")
    if process.returncode:
        raise Failed(f"{' '.join(command)} ended with {process.returncode}: {said}")
    return Sample(seconds, usage.ru_utime + usage.ru_stime, said)


def memory_mb(
    command: Sequence[str], folder: Path, variables: Mapping[str, str]
) -> float:
    """Run a process to its end, and tell the most memory that it held, resident.

    No less than a bare Python holds, 9 MB, can be seen.

    Raises:
        Failed: It ended with an error.
    """
    runner = (sys.executable, "-I", "-S", "-c", SMALL_PARENT)
    sample = measure([*runner, *command], folder, variables)
    return int(sample.output.rpartition("\n")[2]) / 1024
