"""A Python file as it is read: its text, its syntax tree, and places in it."""

from __future__ import annotations

import ast
import io
import tokenize
import warnings
from dataclasses import dataclass
from typing import TYPE_CHECKING

from sqlx.queries.sites import Finding, Place, Severity

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["Source", "parse_source", "read_source"]


@dataclass(frozen=True, slots=True)
class Source:
    """A Python file.

    Args:
        path: As findings name it.
        file: Where it is, absolute.
        lines: Its lines without their ends, which are LF for Python whatever they are.
        tree: Its syntax tree.
    """

    path: str
    file: str
    lines: tuple[str, ...]
    tree: ast.Module

    @property
    def text(self) -> str:
        """The text as Python reads it."""
        return "\n".join(self.lines)

    def column(self, line: int, offset: int) -> int:
        """Turn the tree's offset, which counts bytes of UTF-8, into characters."""
        text = self.lines[line - 1]
        if text.isascii():
            return offset
        return len(text.encode("utf-8", "surrogatepass")[:offset].decode())

    def start(self, node: ast.expr | ast.stmt | ast.arg) -> Place:
        """Find where a node begins."""
        column = self.column(node.lineno, node.col_offset)
        return Place(self.path, node.lineno, column + 1)

    def written(self, node: ast.expr) -> str:
        """Cut a node's text out; what spans lines is written on one."""
        last = node.end_lineno or node.lineno
        if last != node.lineno:
            return ast.unparse(node)
        begin = self.column(last, node.col_offset)
        end = self.column(last, node.end_col_offset or 0)
        return self.lines[last - 1][begin:end]

    def comments(self) -> Iterator[tuple[str, int, int]]:
        """List the comments: text, line, column from 1."""
        for token in tokenize.generate_tokens(io.StringIO(self.text).readline):
            if token.type == tokenize.COMMENT:
                yield token.string, token.start[0], token.start[1] + 1


def read_source(file: str, path: str) -> Source | Finding | None:
    """Read and parse a Python file, in the encoding that it declares.

    Args:
        file: Where it is.
        path: As findings name it.

    Returns:
        The file; what is wrong with it; None when it can have nothing of ours.
    """
    try:
        with open(file, "rb") as opened:
            octets = opened.read()
    except OSError as error:
        return _finding(path, f"cannot be read: {error.strerror}")
    if b"sqlx" not in octets and b"query" not in octets:
        return None
    try:
        encoding, _ = tokenize.detect_encoding(io.BytesIO(octets).readline)
        text = octets.decode(encoding)
    except SyntaxError as error:
        return _finding(path, f"{error.msg}; save the file as UTF-8", 1)
    except UnicodeDecodeError as error:
        line = octets.count(b"\n", 0, error.start) + 1
        reason = f"is not {error.encoding}: byte {octets[error.start]:#04x}"
        return _finding(path, f"{reason}; save the file as UTF-8", line)
    return parse_source(text, file, path)


def parse_source(text: str, file: str, path: str) -> Source | Finding:
    """Parse the text of a Python file."""
    # Python ends lines at CRLF, CR and LF alike, in literals too.
    text = text.replace("\r\n", "\n").replace("\r", "\n")
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # The user's escapes are not our matter.
            tree = ast.parse(text)
    except SyntaxError as error:
        return _finding(path, error.msg, error.lineno, error.offset)
    except (ValueError, RecursionError, MemoryError) as error:
        return _finding(path, str(error) or "is nested too deeply for Python's parser")
    return Source(path, file, tuple(text.split("\n")), tree)


def _finding(
    path: str, message: str, line: int | None = None, column: int | None = None
) -> Finding:
    # The parser writes 0 for a place that it does not know.
    return Finding(
        path, Severity.ERROR, "syntax", message, line or None, column or None
    )
