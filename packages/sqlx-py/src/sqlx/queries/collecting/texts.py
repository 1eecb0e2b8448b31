"""The SQL of a query: a literal in the source, or a file that the source names."""

from __future__ import annotations

import ast
import os
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from sqlx.queries.collecting.drafts import error_at
from sqlx.queries.collecting.literals import sql_text
from sqlx.queries.collecting.scopes import dotted
from sqlx.queries.projects import PROJECT, project_of
from sqlx.queries.sites import SqlText

if TYPE_CHECKING:
    from sqlx.queries.collecting.scopes import Scope, Tree
    from sqlx.queries.collecting.source import Source
    from sqlx.queries.sites import Finding, Place

__all__ = ["Module", "is_unchecked", "read_sql", "relative"]

_UNCHECKED = {"sqlx.unchecked", "sqlx.checked.unchecked"}
_DEDENT = {"textwrap.dedent", "inspect.cleandoc"}
_FAR = 16  # names that stand for names; a longer chain is taken for a circle
_UNSENDABLE = re.compile("[\0\ud800-\udfff]")
_MEND = (
    "write one literal with placeholders for the values, or take it on yourself with "
    "sqlx.unchecked(…)"
)


@dataclass(frozen=True, slots=True)
class Module:
    """A module in which queries are looked for.

    Args:
        source: Its text and tree.
        tree: Its names and calls.
        root: The directory from which findings name files, absolute.
    """

    source: Source
    tree: Tree
    root: str


class _Unreadable(Exception):
    """The SQL cannot be had; where, when it is not at the argument."""

    def __init__(
        self,
        code: str,
        message: str,
        expression: ast.expr | None = None,
        place: Place | None = None,
    ) -> None:
        super().__init__(message)
        self.code, self.expression, self.place = code, expression, place


def is_unchecked(expression: ast.expr, scope: Scope) -> bool:
    """Tell whether the user has taken the SQL on himself: `sqlx.unchecked(sql)`."""
    expression, scope = _followed(expression, scope)
    if not isinstance(expression, ast.Call):
        return False
    return dotted(expression.func, scope) in _UNCHECKED


def read_sql(
    module: Module, expression: ast.expr, scope: Scope, name: str
) -> tuple[SqlText | None, tuple[Finding, ...]]:
    """Read the SQL of a query.

    Args:
        module: Where it stands.
        expression: The SQL; for `query_file`, the name of the file that has it.
        scope: Where the expression stands.
        name: The function of ours that gets it.

    Returns:
        The text, or what is in the way.
    """
    source = module.source
    try:
        if name == "query_file":
            text = _text_of_file(source, expression, scope, module.root)
        else:
            text = sql_text(source, _literals(expression, scope, "the SQL"))
        _refuse_unsendable(text)
    except _Unreadable as unreadable:
        place = unreadable.place or source.start(unreadable.expression or expression)
        return None, (error_at(place, unreadable.code, str(unreadable)),)
    return text, ()


def relative(file: str, root: str) -> str:
    """Name a file as findings do: from the root, with forward slashes."""
    return os.path.relpath(file, root).replace(os.sep, "/")


def _literals(expression: ast.expr, scope: Scope, what: str) -> list[ast.Constant]:
    """Collect what is joined, in order: literals, and names that stand for them."""
    found: list[ast.Constant] = []
    rest = [(expression, scope)]
    while rest:
        part, where = _followed(*rest.pop())
        if isinstance(part, ast.BinOp) and isinstance(part.op, ast.Add):
            rest += [(part.right, where), (part.left, where)]
        elif isinstance(part, ast.Constant) and isinstance(part.value, str):
            found.append(part)
        else:
            reason, mend = _why(part, where)
            message = f"{what} {reason}, and cannot be checked: {mend}"
            raise _Unreadable("dynamic-sql", message, part)
    return found


def _followed(expression: ast.expr, scope: Scope) -> tuple[ast.expr, Scope]:
    """Go from a name to what it is bound to, as long as that is one expression."""
    for _ in range(_FAR):
        found = scope.find(expression.id) if isinstance(expression, ast.Name) else None
        if found is None or len(found[1]) != 1 or found[1][0].value is None:
            break
        expression, scope = found[1][0].value, found[1][0].scope
    return expression, scope


def _why(expression: ast.expr, scope: Scope) -> tuple[str, str]:
    """Say why an expression is no literal, and the mend."""
    if isinstance(expression, ast.Call):
        return _why_call(expression, scope)
    if isinstance(expression, ast.Name):
        return _why_name(expression.id, scope), _MEND
    if isinstance(expression, ast.Constant):
        return f"is of type {type(expression.value).__name__}", "write a str"
    if isinstance(expression, ast.BinOp) and isinstance(expression.op, ast.Mod):
        return "is put together with %", _MEND
    is_f_string = isinstance(expression, ast.JoinedStr)
    return "is an f-string" if is_f_string else "is not a literal", _MEND


def _why_call(call: ast.Call, scope: Scope) -> tuple[str, str]:
    if dotted(call.func, scope) in _DEDENT:
        return "is changed by a call", "leave it out, since SQL may be indented"
    if isinstance(call.func, ast.Attribute) and call.func.attr == "format":
        return "is put together with format()", _MEND
    return "is what a call returns", _MEND


def _why_name(name: str, scope: Scope) -> str:
    found = scope.find(name)
    if found is None:
        return f'is "{name}", which this module does not bind'
    if any(binding.imported for binding in found[1]):
        return f'is "{name}", which another module binds'
    if len(found[1]) > 1:
        return f'is "{name}", which is bound {len(found[1])} times'
    return f'is "{name}", which is no literal'


def _refuse_unsendable(text: SqlText) -> None:
    """Refuse what no database could be sent."""
    found = _UNSENDABLE.search(text.sql)
    if found is None:
        return
    message = "the SQL holds a NUL, at which a database stops reading; take it out"
    if found[0] != "\0":
        half = f"\\u{ord(found[0]):04x}"
        message = f"the SQL holds {half}, half a character; write the whole one"
    raise _Unreadable("sql", message, place=text.place(found.start()))


def _text_of_file(
    source: Source, expression: ast.expr, scope: Scope, root: str
) -> SqlText:
    """Read a file that is named from the project's root.

    Source:
        SQLx's `query_file!` (queries.md 5); we take a file beside `pyproject.toml` too.
    """
    name = sql_text(source, _literals(expression, scope, "the path")).sql
    if re.match(r"[/\\]|[A-Za-z]:", name):
        reason = "absolute paths will only work on the current machine"
        mend = f"write the path from the directory of {PROJECT}"
        raise _Unreadable("file", f"{reason}; {mend}")
    project = project_of(source.file, root)
    file = os.path.normpath(os.path.join(project, name))
    if not os.path.dirname(name) and not os.path.exists(file):
        raise _Unreadable("file", _no_directory(name, source, project))
    # Editors do not count a BOM, which is sent all the same.
    sql = _read_file(file, name)
    starts = ((0, 1, 1), (1, 1, 1)) if sql.startswith("\ufeff") else ((0, 1, 1),)
    return SqlText(sql, relative(file, root), starts)


def _no_directory(name: str, source: Source, project: str) -> str:
    reason = "paths relative to the current file's directory are not supported"
    beside = os.path.join(os.path.dirname(source.file), name)
    if os.path.isfile(beside):
        return f'{reason}; write "{relative(beside, project)}"'
    return f"{reason}, and there is no `{name}` in the directory of {PROJECT}"


def _read_file(file: str, name: str) -> str:
    # As bytes: what is hashed and sent is the file as it is, CRLF and BOM included.
    try:
        with open(file, "rb") as opened:
            octets = opened.read()
        return octets.decode()
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or str(error)
        if isinstance(error, UnicodeDecodeError):
            line = octets.count(b"\n", 0, error.start) + 1
            reason = f"line {line} is not UTF-8; save it as UTF-8"
        message = f"failed to read query file at {name}: {reason}"
        raise _Unreadable("file", message) from error
