"""Return annotations: how many rows, and of what."""

from __future__ import annotations

from collections.abc import (
    AsyncGenerator,
    AsyncIterable,
    AsyncIterator,
    Awaitable,
    Coroutine,
    Generator,
    Iterator,
    Sequence,
)
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv6Address
from typing import Any

import pytest

from sqlx.queries.annotations import Annotation, Form, Returns, Shape
from sqlx.queries.reading import read
from sqlx.queries.returns import ROWS_AFFECTED, NotAReturn, returns_of

AFFECTED = Annotation("RowsAffected", Form.CLASS, (ROWS_AFFECTED, "builtins.int"))


@dataclass
class User:
    """A row."""

    id: int


@dataclass
class Admin:
    """Another."""

    id: int


@pytest.mark.parametrize("is_async", [False, True])
@pytest.mark.parametrize(
    ("annotation", "expected"),
    [
        (User, Returns(Shape.ONE, read(User))),
        (int, Returns(Shape.ONE, read(int))),
        (Any, Returns(Shape.ONE, read(Any))),
        (dict[str, Any], Returns(Shape.ONE, read(dict[str, Any]))),
        (
            IPv4Address | IPv6Address,
            Returns(Shape.ONE, read(IPv4Address | IPv6Address)),
        ),
        ("Nope", Returns(Shape.ONE, read("Nope"))),
        (list[User], Returns(Shape.ALL, read(User))),
        (list[int | None], Returns(Shape.ALL, read(int | None))),
        (list[list[int]], Returns(Shape.ALL, read(list[int]))),
        (list, Returns(Shape.ALL, Annotation("", Form.ANY))),
        (AsyncIterator[User], Returns(Shape.STREAM, read(User))),
        (AsyncGenerator[int, None], Returns(Shape.STREAM, read(int))),
        (None, Returns(Shape.EXECUTE)),
    ],
)
def test_an_annotation_says_how_many_rows(
    annotation: object, expected: Returns, *, is_async: bool
) -> None:
    """One, all, a stream or none, of a row class or a scalar."""
    assert returns_of(read(annotation), is_async=is_async) == expected


def test_optional_is_at_most_one_row() -> None:
    """The row itself is never None then, but for its text it is as it was."""
    found = returns_of(read(User | None), is_async=False)
    assert found.shape is Shape.OPTIONAL
    assert found.row is not None
    assert found.row.fields == read(User).fields
    assert (found.row.text, found.row.optional) == ("User", False)


def test_rows_affected_is_a_count() -> None:
    """By the class's name: it is not imported for that."""
    assert returns_of(AFFECTED, is_async=False) == Returns(Shape.AFFECTED)


@pytest.mark.parametrize("annotation", [Iterator[int], Generator[int, None, None]])
def test_a_sync_stream_is_of_a_sync_function(annotation: Any) -> None:
    """An async function streams by an AsyncIterator."""
    found = returns_of(read(annotation), is_async=False)
    assert found == Returns(Shape.STREAM, read(int))
    text = read(annotation).text
    with pytest.raises(NotAReturn) as caught:
        returns_of(read(annotation), is_async=True)
    assert str(caught.value) == (
        f'"{text}" cannot stream from an async function; write "AsyncIterator"'
    )


AWAITED = "an async function is annotated with what its caller gets by await"


@pytest.mark.parametrize(
    ("annotation", "message"),
    [
        (
            list[int] | None,
            (
                '"list[int] | None" is never None: no rows are an empty one; '
                'take "| None" away'
            ),
        ),
        (
            list[User | None],
            '"list[User | None]": a row is never None; take "| None" away',
        ),
        (
            tuple[int, ...],
            (
                '"tuple[int, ...]" is no way to return rows: all rows are a "list", a '
                'stream of them is an "Iterator"'
            ),
        ),
        (
            Sequence[User],
            (
                '"Sequence[User]" is no way to return rows: all rows are a "list", a '
                'stream of them is an "Iterator"'
            ),
        ),
        (
            tuple[int, str],
            (
                '"tuple[int, str]" is neither a row class nor a scalar: give its '
                "columns "
                "names, in a NamedTuple or another row class"
            ),
        ),
        (
            list[tuple[int, str]],
            (
                '"tuple[int, str]" is neither a row class nor a scalar: give its '
                "columns "
                "names, in a NamedTuple or another row class"
            ),
        ),
        (
            User | Admin,
            '"User | Admin" is neither a row class nor a scalar: choose one class',
        ),
        (
            list[Iterator[int]],
            (
                '"Iterator[int]" is neither a row class nor a scalar: it stands alone, '
                "as "
                "what the function returns"
            ),
        ),
        (
            AsyncIterable[int],
            (
                '"AsyncIterable[int]" is neither a row class nor a scalar: write '
                '"AsyncIterator"'
            ),
        ),
        (
            Awaitable[int],
            f'"Awaitable[int]" is neither a row class nor a scalar: {AWAITED}',
        ),
        (
            Coroutine[Any, Any, int],
            (
                '"Coroutine[Any, Any, int]" is neither a row class nor a scalar: '
                f"{AWAITED}"
            ),
        ),
    ],
)
def test_what_is_no_return_says_the_mend(annotation: object, message: str) -> None:
    """A list is always all rows, and a row has names."""
    with pytest.raises(NotAReturn) as caught:
        returns_of(read(annotation), is_async=False)
    assert str(caught.value) == message


def test_a_list_of_counts_is_refused() -> None:
    """RowsAffected stands alone."""
    many = Annotation("list[RowsAffected]", Form.ARRAY, ("builtins.list",))
    many = Annotation(many.text, many.form, many.names, items=(AFFECTED,))
    with pytest.raises(NotAReturn) as caught:
        returns_of(many, is_async=False)
    assert str(caught.value) == (
        '"RowsAffected" is neither a row class nor a scalar: it stands alone, as what '
        "the function returns"
    )
