"""Carry out one command and say how it ended: an exit code, a line for a person."""

from __future__ import annotations

import io
import os
import signal
import sys
from importlib import import_module
from typing import TYPE_CHECKING

from sqlx.cli.output import Output
from sqlx.cli.parser import parse
from sqlx.errors import ConfigurationError, SqlxError

if TYPE_CHECKING:
    import argparse
    from collections.abc import Callable, Iterator, Sequence
    from types import FrameType
    from typing import NoReturn, TextIO

__all__ = ["dispatch"]

FAILED, MISUSED, SIGNALLED = 1, 2, 128


def dispatch(arguments: Sequence[str]) -> int:
    """Parse the words, carry the command out, and return its exit code."""
    for stream in (sys.stdout, sys.stderr):
        _speak_as_rust_does(stream)
    output = Output(sys.stdout, sys.stderr, os.environ)
    try:
        code = _carry_out(parse(arguments), output)
    except SystemExit as stop:
        code = stop.code if isinstance(stop.code, int) else FAILED
    broken = output.finish()
    if broken is not None:
        output.error(f"cannot write to stdout: {broken.strerror}")
    return code or (FAILED if broken else code)


def _carry_out(options: argparse.Namespace, output: Output) -> int:
    if not options.handler:
        options.parser.print_help(sys.stderr)
        return MISUSED
    module, name = options.handler.split(":")
    # A deployment stops what it started with SIGTERM: that ends as Ctrl-C does.
    received = [signal.SIGINT]

    def terminated(_number: int, _frame: FrameType | None) -> NoReturn:
        received.append(signal.SIGTERM)
        raise KeyboardInterrupt

    before = signal.signal(signal.SIGTERM, terminated)
    try:
        handler: Callable[[argparse.Namespace, Output], int]
        handler = getattr(import_module(module), name)
        return handler(options, output)
    except KeyboardInterrupt as stop:
        _interrupted(stop, options, output)
        return SIGNALLED + received[-1]
    except Exception as error:  # noqa: BLE001 -- no traceback reaches a user.
        return _failed(error, output)
    finally:
        output.status.end()
        signal.signal(signal.SIGTERM, before)


def _interrupted(
    stop: KeyboardInterrupt, options: argparse.Namespace, output: Output
) -> None:
    notes = list(_notes(stop))
    if stop.args:  # A driver's, that could not stop what the server does.
        output.note(f"interrupted; {stop}")
    elif notes:
        output.note("interrupted; lock given back")
    elif hasattr(options, "connect_timeout") and not hasattr(options, "scratch"):
        output.note("interrupted; transaction ended, lock given back")
    else:
        output.note("interrupted")
    for note in notes:
        output.note(note)


def _failed(error: Exception, output: Output) -> int:
    output.error(_words(error))
    for note in _notes(error):
        output.note(note)
    if os.environ.get("SQLX_BACKTRACE") == "1":
        from traceback import format_exception  # Seldom needed.

        output.note("".join(format_exception(error)).rstrip())
    return MISUSED if isinstance(error, ConfigurationError) else FAILED


def _words(error: Exception) -> str:
    if isinstance(error, SqlxError):
        return str(error)
    if isinstance(error, OSError) and error.filename is not None:
        return f"{os.fsdecode(error.filename)}: {error.strerror}"
    return (
        f"internal error: {type(error).__name__}: {error}; this is a fault of sqlx-py: "
        "SQLX_BACKTRACE=1 shows where it happened, for a report"
    )


def _notes(error: BaseException) -> Iterator[str]:
    yield from getattr(error, "__notes__", ())


def _speak_as_rust_does(stream: TextIO) -> None:
    # UTF-8 with bare line feeds; a file name that is no text is shown escaped.
    if isinstance(stream, io.TextIOWrapper):
        stream.reconfigure(encoding="utf-8", errors="backslashreplace", newline="\n")
