r"""The file `.env`, read as SQLx reads it: by the rules of the crate dotenvy 0.15.

A file is cut into records, a line each, or more while a quote is open; a record is
`NAME=value`, a comment or empty. Both steps follow dotenvy letter by letter: a file
that means one thing to Rust and another to Python is worse than a strange rule. The
strange ones:

- `"$HOME"` is an error, for what ends a name is taken as it is, the quote too; right
  is `"${HOME}"`. In `$A_B` the name is `A`.
- White space at the end of a last line without a line break is an error.
- Escapes are `\\`, `\'`, `\"`, `\$`, `\n` and a backslash before a space, others are
  errors. In `'…'` there are none, and yet `\'` does not end a record's open quote.

No message quotes a line: it may hold a password.

Source:
    dotenvy 0.15.7: `iter.rs`, `parse.rs`, `find.rs`; compared with it by random files.
"""

from __future__ import annotations

import os
import re
import stat
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

__all__ = ["Dotenv", "find_dotenv", "load_dotenv", "parse_dotenv"]

# Unicode's White_Space, as Rust has it; Python's own idea adds U+001C to U+001F.
_WHITE_SPACE = (
    "\t\n\v\f\r \x85\xa0\u1680\u2000\u2001\u2002\u2003\u2004\u2005\u2006\u2007\u2008"
    "\u2009\u200a\u2028\u2029\u202f\u205f\u3000"
)
_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_.]*")

# How a record goes on: in a state, where some characters lead, and where all others do.
_OPENING = {"\\": "escape", '"': "weak", "'": "strong"}
_SPACES = dict.fromkeys(set(_WHITE_SPACE) - {"\r", "\n"}, "space")
_NEXT: dict[str, tuple[dict[str, str], str]] = {
    "plain": (_OPENING | _SPACES, "plain"),
    "space": (_OPENING | {"#": "comment"}, "plain"),
    "escape": ({}, "plain"),
    "weak": ({'"': "plain", "\\": "weak escape"}, "weak"),
    "weak escape": ({}, "weak"),
    "strong": ({"'": "plain", "\\": "strong escape"}, "strong"),
    "strong escape": ({}, "strong"),
}


@dataclass(frozen=True, slots=True)
class Dotenv:
    """What a `.env` file adds to the environment.

    Args:
        values: The variables to set; the environment has none of them.
        error: What ended the reading, with file, line and column; None for nothing.
    """

    values: Mapping[str, str] = field(repr=False)
    error: str | None = None


@dataclass(frozen=True, slots=True)
class _Record:
    """One logical line, and the number of its first line in the file."""

    text: str
    line: int


class _Mistake(Exception):
    """A record cannot be read: where in it, and why."""

    def __init__(self, record: _Record, index: int, reason: str) -> None:
        super().__init__(record.line, index, reason)
        before = record.text[:index]
        self.line = record.line + before.count("\n")
        self.column = index - before.rfind("\n")
        self.reason = reason


def load_dotenv(directory: str, environ: Mapping[str, str]) -> Dotenv:
    """Find and read the `.env` file of a directory or of the nearest that holds it.

    Nothing is raised: that a file cannot be read is no more than a warning in SQLx.
    """
    try:
        path = find_dotenv(directory)
        if path is None:
            return Dotenv({})
        with open(path, "rb") as file:
            text = file.read().decode(errors="surrogateescape")
    except OSError as error:
        reason = f"{error.filename}: {error.strerror}"
        return Dotenv({}, f"error loading `.env` file: {reason}")
    return parse_dotenv(text, environ, path)


def find_dotenv(directory: str) -> str | None:
    """Find the nearest regular file `.env`, in a directory or in one that holds it.

    Raises:
        OSError: Whether there is one cannot be told.
    """
    here = os.path.abspath(directory)
    above = ""
    while here != above:
        path = f"{here.rstrip(os.sep)}{os.sep}.env"
        try:
            if stat.S_ISREG(os.stat(path).st_mode):
                return path
        except FileNotFoundError:
            pass
        here, above = os.path.dirname(here), here
    return None


def parse_dotenv(text: str, environ: Mapping[str, str], path: str = ".env") -> Dotenv:
    """Read the text of a `.env` file; `path` is its name for messages.

    The first definition of a name counts, after one in `environ`. At the first mistake
    reading ends, and what was read stays. Bytes that are not UTF-8 come as surrogates,
    as `surrogateescape` makes them.
    """
    values: dict[str, str] = {}

    def value_of(name: str) -> str:
        return environ.get(name, values.get(name, ""))

    try:
        for record in _records(text.removeprefix("\ufeff")):
            name, value = _assignment(record, value_of)
            if name and name not in environ:
                values.setdefault(name, value)
    except _Mistake as mistake:
        where = f"{path}:{mistake.line}:{mistake.column}"
        return Dotenv(values, f"error loading `.env` file: {where}: {mistake.reason}")
    return Dotenv(values)


def _records(text: str) -> Iterator[_Record]:
    """Cut a file into records, and comments off behind values."""
    state, record = "plain", _Record("", 1)
    for number, line in enumerate(re.findall(r"[^\n]*\n|[^\n]+", text), 1):
        record = _Record(record.text + line, record.line if record.text else number)
        _refuse_other_bytes(record)
        if record.text.lstrip(_WHITE_SPACE).startswith("#"):
            record = _Record("", number)
            continue
        state, index = _end_of_line(state, line)
        if state == "comment":
            yield _Record(record.text[: index - len(line)], record.line)
        elif state == "plain":
            yield record
        else:
            continue
        state, record = "plain", _Record("", number)
    if record.text:
        raise _Mistake(
            record,
            0,
            "the file ends in a quote that is not closed, or in white space; "
            "close the quote, or end the last line with a line break",
        )


def _refuse_other_bytes(record: _Record) -> None:
    other = re.search("[\ud800-\udfff]", record.text)
    if other is not None:
        reason = "stream did not contain valid UTF-8; save the file as UTF-8"
        raise _Mistake(record, other.start(), reason)


def _end_of_line(state: str, line: str) -> tuple[str, int]:
    """Find the state at the end of a line, or the index at which a comment begins."""
    for index, char in enumerate(line):
        special, other = _NEXT[state]
        state = special.get(char, other)
        if state == "comment":
            return state, index
    return state, len(line)


def _assignment(record: _Record, value_of: Callable[[str], str]) -> tuple[str, str]:
    """Read a record into a name, which is empty for an empty record, and a value."""
    line = record.text.rstrip(_WHITE_SPACE)
    start = _skip_space(line, 0)
    if start == len(line):
        return "", ""
    name, index = _name(record, start)
    if name == "export" and line[index : index + 1] != "=":
        name, index = _name(record, index)
    if line[index : index + 1] != "=":
        raise _Mistake(record, index, "expected `=`; a line is NAME=value")
    index = _skip_space(line, index + 1)
    if line[index : index + 1] == "#":
        return name, ""
    return name, _Value(value_of).read(record, line, index)


def _name(record: _Record, index: int) -> tuple[str, int]:
    """Read a name; the index is that of what follows it and white space."""
    match = _NAME.match(record.text, index)
    if match is None:
        raise _Mistake(
            record,
            index,
            "expected a name, of A-Z, a-z, 0-9, `_` and `.` and not beginning with "
            "a digit or `.`; a line is NAME=value, a comment begins with `#`",
        )
    return match[0], _skip_space(record.text, match.end())


def _skip_space(text: str, index: int) -> int:
    return len(text) - len(text[index:].lstrip(_WHITE_SPACE))


class _Value:
    """Reads a value, a character a step; each step chooses the next.

    Source:
        dotenvy `parse_value`, whose flags are these steps.
    """

    def __init__(self, value_of: Callable[[str], str]) -> None:
        self.value_of = value_of
        self.value = ""
        self.name = ""
        self.is_quoted = False
        self.step: Callable[[str], str | None] = self.plain

    def read(self, record: _Record, line: str, start: int) -> str:
        """Read the rest of a line; what a step returns is what is wrong."""
        for index in range(start, len(line)):
            wrong = self.step(line[index])
            if wrong is not None:
                raise _Mistake(record, index, wrong)
        if self.is_quoted or self.step in {self.strong, self.braces}:
            raise _Mistake(
                record,
                len(line) - 1,
                'a quote or a `${` is not closed; for "$NAME" write "${NAME}"',
            )
        self.substitute()
        if "\0" in self.value:
            raise _Mistake(record, start, "a value holds a NUL character; remove it")
        return self.value

    def plain(self, char: str) -> str | None:
        """Take a character outside quotes, or inside `"…"`."""
        if char == "$":
            self.step = self.dollar
        elif char == "\\":
            self.step = self.escape
        elif char == '"':
            self.is_quoted = not self.is_quoted
        elif self.is_quoted or char not in "' \t":
            self.value += char
        else:
            self.step = self.strong if char == "'" else self.end
        return None

    def escape(self, char: str) -> str | None:
        """Take the character after a backslash."""
        self.step = self.plain
        if char not in "\\'\"$ n":
            return (
                r"an escape is one of \\ \' \" \$ \n or a backslash before a space; "
                r"write a backslash as \\, or the value in '…'"
            )
        self.value += "\n" if char == "n" else char
        return None

    def strong(self, char: str) -> str | None:
        """Take a character inside `'…'`."""
        if char == "'":
            self.step = self.plain
        else:
            self.value += char
        return None

    def dollar(self, char: str) -> str | None:
        """Take a character of a name after `$`, or the one that ends it."""
        if char.isalnum():
            self.name += char
        elif char == "{" and not self.name:
            self.step = self.braces
        else:
            self.substitute()
            if char != "$":
                self.value += char
                self.step = self.plain
        return None

    def braces(self, char: str) -> str | None:
        """Take a character of a name after `${`."""
        if char == "}":
            self.substitute()
            self.step = self.plain
        else:
            self.name += char
        return None

    def end(self, char: str) -> str | None:
        """Take what follows white space after a value: nothing, or a comment."""
        if char == "#":
            self.step = self.comment
        elif char not in " \t":
            return 'a value with white space in it needs quotes: NAME="two words"'
        return None

    def comment(self, _char: str) -> None:
        """Pass over a character of a comment."""

    def substitute(self) -> None:
        """Put the value of the name that was read in its place."""
        self.value += self.value_of(self.name) if self.name else ""
        self.name = ""
