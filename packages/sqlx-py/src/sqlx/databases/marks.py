"""The table beside the history in which stands what is marked compatible.

A row is a version and the checksum of the text that was applied. It counts only
together with a row of the history that has both: what SQLx reverts behind our back, or
applies anew from another text, is not compatible by mistake; and two histories in one
schema may share the table.
"""

from __future__ import annotations

import re

__all__ = ["MARKS", "beside"]

MARKS = "_sqlx_compatible"


def beside(table: str, name: str = MARKS) -> str:
    """Name what stands in the same schema as a table.

    Args:
        table: A name as it is written in SQL, quoted where it must be.
        name: The bare name, which needs no quotes.
    """
    found = _QUALIFIED.fullmatch(table)
    return name if found is None else f"{found[1]}.{name}"


_PART = (
    r"""(?:"(?:[^"]|"")*+"|`(?:[^`]|``)*+`|\[[^\]]*+\]|'(?:[^']|'')*+'|[^."`\['\s]++)"""
)
_QUALIFIED = re.compile(rf"\s*+({_PART}(?:\s*+\.\s*+{_PART})*)\s*+\.\s*+{_PART}\s*+")
