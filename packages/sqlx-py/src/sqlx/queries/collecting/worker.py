"""The process that imports the user's modules and reads their annotations.

It is given on stdin what to read, and answers a line of JSON at a time on what was its
stdout. What the modules print goes to stderr; what they read is empty. They may do
worse: leave, crash, or never return. So each answer is sent as soon as it is known,
and each step is announced before it is taken.
"""

from __future__ import annotations

import importlib
import json
import os
import sys
import traceback
from typing import TYPE_CHECKING

from sqlx.queries.collecting.showing import shown
from sqlx.queries.collecting.transport import evidence_from_json, type_to_json
from sqlx.queries.resolving import Unresolved

if TYPE_CHECKING:
    from collections.abc import Generator, Iterator, Mapping

    from sqlx.queries.collecting.transport import Json
    from sqlx.queries.reading import Rows

__all__ = ["main", "work"]

_HALF_WAY = "partially initialized module"  # Python's words for a circle of imports.
_LONG = 400  # characters of an exception's text that are shown


def main() -> None:  # pragma: no cover -- this process measures nothing.
    """Do the work of stdin, and leave without what the user's modules do at exit."""
    request = json.load(sys.stdin)
    own = os.getpid()
    # Not inherited by the programs that a module may start.
    channel = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)
    os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
    sys.path[:0] = request["first"]
    sys.path += request["last"]
    streams = sys.stdout, sys.stderr
    for answer in work(request):
        if os.getpid() != own:  # A module has forked, and this is its other half.
            os._exit(0)
        for stream in streams:
            stream.flush()  # We may be ended as soon as the last answer is read.
        channel.write(json.dumps(answer).encode() + b"\n")
        channel.flush()
    os._exit(0)


def work(request: Json) -> Iterator[Json]:
    """Import modules, then read what their trees show of types.

    Args:
        request: `root`, the working directory; `files`, all files of the user's that
            may be named; `modules`, each with `name`, `file` and `types`, its evidence.

    Yields:
        The steps: `importing` and `reading` before each, `failed` or `read` after it,
        and `done` at the end.
    """
    ready = yield from _import_all(request)
    rows: Rows = {}
    for module in ready:
        yield {"step": "reading", "module": module["file"]}
        types = [_type(written, module["name"], rows) for written in module["types"]]
        yield {"step": "read", "module": module["file"], "types": types}
    yield {"step": "done"}


def _import_all(request: Json) -> Generator[Json, None, list[Json]]:
    """Import all modules, and give those that could be imported.

    A circle of imports may be entered at one of its modules only: what stopped half-way
    is tried again when the others are there.
    """
    known = {os.path.realpath(file): file for file in request["files"]}
    ready: list[Json] = []
    waiting = request["modules"]
    for is_last in (False, True):
        again = []
        for module in waiting:
            yield {"step": "importing", "module": module["file"]}
            failure = _import(module, known)
            os.chdir(request["root"])  # A module may have gone elsewhere.
            if failure is None:
                ready.append(module)
            elif _HALF_WAY in failure["message"] and not is_last:
                again.append(module)
            else:
                yield failure
        waiting = again
    return ready


def _import(module: Json, known: Mapping[str, str]) -> Json | None:
    """Import a module; None when that went well."""
    name, file = module["name"], module["file"]
    failed = {"step": "failed", "module": file}
    try:
        imported = importlib.import_module(name)
    except BaseException as error:  # noqa: BLE001 -- whatever a module raises.
        return {**failed, **_failure(error, file, known)}
    found = getattr(imported, "__file__", None)
    if not isinstance(found, str) or os.path.realpath(found) == os.path.realpath(file):
        return None
    message = (
        f"`{name}` is the name of {found} too, which Python finds first; rename it"
    )
    return {**failed, "file": file, "line": None, "message": message}


def _failure(error: BaseException, file: str, known: Mapping[str, str]) -> Json:
    """Say what an import raised, and the last line of the user's that took part."""
    line = None
    for frame, at in traceback.walk_tb(error.__traceback__):
        own = known.get(os.path.realpath(frame.f_code.co_filename))
        file, line = (own, at) if own is not None else (file, line)
    message = _text(error)
    if isinstance(error, SyntaxError):
        own = known.get(os.path.realpath(error.filename or ""))
        file, line = (own, error.lineno) if own is not None else (file, line)
    if isinstance(error, SystemExit):
        message += '; put what runs below `if __name__ == "__main__":`'
    return {"file": file, "line": line, "message": f"cannot be imported: {message}"}


def _text(error: BaseException) -> str:
    """Write an exception on one line."""
    kind = type(error).__name__
    try:
        said = " ".join(str(error).split())
    except Exception:  # noqa: BLE001 -- it is of the user's making.
        said = ""
    if len(said) > _LONG:
        said = f"{said[:_LONG]}…"
    return f"{kind}: {said}" if said else kind


def _type(written: Json, name: str, rows: Rows) -> Json:
    evidence = evidence_from_json(written)
    try:
        found = shown(evidence, sys.modules[name], rows)
    except Exception as error:  # noqa: BLE001 -- a class may do as it likes.
        found = Unresolved(evidence.text, _text(error))
    return type_to_json(found)
