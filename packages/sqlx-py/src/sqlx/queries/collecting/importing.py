"""Asks another process for the types that modules show: it imports them, we never do.

A module may end that process or never come back. Then it is named, and a new process
goes on without it, until all others have been read.
"""

from __future__ import annotations

import json
import os
import queue
import signal
import subprocess
import sys
import threading
import time
from contextlib import suppress
from dataclasses import dataclass, field
from typing import IO, TYPE_CHECKING, cast

from sqlx.errors import SqlxError
from sqlx.queries.collecting.transport import evidence_to_json, type_from_json

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from sqlx.queries.annotations import Annotation
    from sqlx.queries.collecting.evidence import Evidence
    from sqlx.queries.collecting.modules import ModuleFile
    from sqlx.queries.collecting.transport import Json
    from sqlx.queries.resolving import Unresolved

__all__ = ["Failure", "Imported", "Wanted", "import_modules"]

# The last place of the path, in case that nothing else leads to us there.
_HOME = os.path.abspath(os.path.join(os.path.dirname(__file__), "..", ".."))
_CODE = (
    "import sys; sys.path.append(sys.argv.pop()); "
    "from sqlx.queries.collecting.worker import main; main()"
)
_COMMAND = ("-P", "-c", _CODE, _HOME)  # -P: no module of the user's comes before ours
_MEND = "what ends a program or takes long does not belong at a module's level"
_TICK = 0.05  # seconds between two looks at whether the process still lives
_PATIENCE = 0.5  # seconds for the last of its output


@dataclass(frozen=True, slots=True)
class Wanted:
    """A module to import, and the evidence to read in it."""

    module: ModuleFile
    evidence: tuple[Evidence, ...]


@dataclass(frozen=True, slots=True)
class Failure:
    """A module that cannot be imported.

    Args:
        file: The user's file in which it failed, absolute.
        line: The line in it, when it is known.
        message: What happened, and the mend.
    """

    file: str
    line: int | None
    message: str


@dataclass(slots=True)
class Imported:
    """What was found.

    Args:
        types: By file and evidence; a module that failed has none.
        failures: Each once, though many modules may have failed by it.
    """

    types: dict[str, dict[Evidence, Annotation | Unresolved | None]] = field(
        default_factory=dict
    )
    failures: list[Failure] = field(default_factory=list)


def import_modules(
    wanted: Sequence[Wanted],
    files: Iterable[str],
    root: str,
    timeout_seconds: float,
) -> Imported:
    """Import modules in a process of their own, and read types in them.

    Args:
        wanted: What to import and to read.
        files: All files that a failure may be laid to.
        root: The working directory, absolute.
        timeout_seconds: How long one module may take.
    """
    found = Imported()
    left = {each.module.file: each for each in wanted}
    request = {"root": root, "files": list(files), **_paths(wanted, root)}
    while left:
        stopped = _run(request, left, found, timeout_seconds)
        if stopped is None:
            continue
        file, message = stopped
        found.failures.append(Failure(file, None, message))
        package = f"{left[file].module.name}."
        left = {
            other: each
            for other, each in left.items()
            if not f"{each.module.name}.".startswith(package)  # It needs its package.
        }
    found.failures = list(dict.fromkeys(found.failures))
    return found


class _Stopped(Exception):
    """The process ended, or gives no answer any more; the text says which."""


def _paths(wanted: Sequence[Wanted], root: str) -> dict[str, Json]:
    """Tell where the modules are found: in the project first."""
    first = [root, os.path.join(root, "src")]
    bases = [each.module.base for each in wanted]
    return {"first": first, "last": [b for b in dict.fromkeys(bases) if b not in first]}


def _run(
    request: Json,
    left: dict[str, Wanted],
    found: Imported,
    timeout_seconds: float,
) -> tuple[str, str] | None:
    """Let one process do what is left, and note what it answers.

    Returns:
        The module that stopped it, and how; None when no module did, so that what is
        left can be tried again.
    """
    modules = [
        {
            "name": each.module.name,
            "file": file,
            "types": [evidence_to_json(evidence) for evidence in each.evidence],
        }
        for file, each in left.items()
    ]
    step, file = "", ""
    try:
        for answer in _ask({**request, "modules": modules}, timeout_seconds):
            step, file = answer["step"], answer["module"]
            if step == "failed":
                del left[file]
                where = answer["file"], answer["line"], answer["message"]
                found.failures.append(Failure(*where))
            elif step == "read":
                types = map(type_from_json, answer["types"])
                evidence = left.pop(file).evidence
                found.types[file] = dict(zip(evidence, types, strict=True))
    except _Stopped as stopped:
        if file in left:
            name = left[file].module.name
            return file, f"{step} `{name}` {stopped}; {_MEND}"
        if not step:
            reason = f"the process that imports your modules did not start: {stopped}"
            raise SqlxError(reason) from stopped
    return None


def _ask(request: Json, timeout_seconds: float) -> Iterator[Json]:
    """Start the process and give its answers.

    Raises:
        _Stopped: It ended, or was silent for too long.
    """
    process = subprocess.Popen(  # noqa: S603 -- ourselves.
        [sys.executable, *_COMMAND],
        cwd=request["root"],
        env={**os.environ, "SQLX_CHECK": "1", "PYTHONWARNINGS": "ignore"},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    )
    lines: queue.SimpleQueue[bytes] = queue.SimpleQueue()
    payload = json.dumps(request).encode()
    # A daemon: what the user's modules have started may hold the pipe open for ever.
    pump = threading.Thread(target=_pump, args=(process, payload, lines), daemon=True)
    pump.start()
    try:
        while True:
            answer = json.loads(_next(process, lines, timeout_seconds))
            if answer["step"] == "done":
                return
            yield answer
    finally:
        process.kill()
        process.wait()
        pump.join(_PATIENCE)


def _pump(
    process: subprocess.Popen[bytes], payload: bytes, lines: queue.SimpleQueue[bytes]
) -> None:
    """Send the request, then pass on what comes back; an empty line for its end."""
    sent, received = cast(
        "tuple[IO[bytes], IO[bytes]]", (process.stdin, process.stdout)
    )
    with suppress(OSError), sent:
        sent.write(payload)
    with received:
        for line in received:
            lines.put(line)
    lines.put(b"")


def _next(
    process: subprocess.Popen[bytes], lines: queue.SimpleQueue[bytes], seconds: float
) -> bytes:
    """Wait for the next whole line."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        has_ended = process.poll() is not None
        with suppress(queue.Empty):
            line = lines.get(timeout=_TICK)
            if line.endswith(b"\n"):
                return line
            has_ended = True
        if has_ended:
            raise _Stopped(_end(process))
    raise _Stopped(f"took more than {seconds:g} seconds")


def _end(process: subprocess.Popen[bytes]) -> str:
    """Say how the process ended, whose output has."""
    try:
        return f"ended the process ({_status(process.wait(_PATIENCE))})"
    except subprocess.TimeoutExpired:
        return "closed the files of the process"


def _status(code: int) -> str:
    if code >= 0:
        return f"exit status {code}"
    try:
        return signal.Signals(-code).name
    except ValueError:
        return f"signal {-code}"
