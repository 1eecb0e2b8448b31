"""The public names: few, all there, all documented, and loaded when first used."""

from __future__ import annotations

import inspect
import subprocess
import sys

import pytest

import sqlx
from sqlx import errors
from sqlx.engine import news


def test_every_public_name_is_there_and_documented() -> None:
    """At most forty of them (design: `sqlx/__init__` re-exports, no logic)."""
    assert len(sqlx.__all__) <= 40
    assert sqlx.__all__ == sorted(sqlx.__all__)
    for name in sqlx.__all__:
        value = getattr(sqlx, name)
        if inspect.isclass(value) or inspect.isfunction(value):
            assert (value.__doc__ or "").strip()
            assert "(" not in (value.__doc__ or "(")[: len(name) + 1]


def test_dir_lists_names_that_are_not_loaded_yet() -> None:
    """So that a prompt can complete them."""
    assert {*sqlx.__all__} <= {*dir(sqlx)}


@pytest.mark.parametrize("name", errors.__all__)
def test_every_error_is_a_name_of_sqlx_too(name: str) -> None:
    """`sqlx.Dirty` and `sqlx.errors.Dirty` are one."""
    assert getattr(sqlx, name) is getattr(errors, name)


@pytest.mark.parametrize("name", news.__all__)
def test_all_that_is_told_is_a_name_of_sqlx_too(name: str) -> None:
    """What `on_event` hears can be told apart without an import of ours."""
    assert getattr(sqlx, name) is getattr(news, name)


def test_an_unknown_name_is_an_attribute_error() -> None:
    """With the words that Python has for it."""
    with pytest.raises(AttributeError) as caught:
        sqlx.no_such_name  # noqa: B018 -- it raises.
    assert str(caught.value) == "module 'sqlx' has no attribute 'no_such_name'"


def test_importing_sqlx_imports_nothing_else() -> None:
    """The version is answered before anything of ours is loaded."""
    code = "import sys, sqlx; print(sorted(m for m in sys.modules if 'sqlx' in m))"
    done = subprocess.run(
        [sys.executable, "-c", code], check=True, capture_output=True, text=True
    )
    assert done.stdout == "['sqlx', 'sqlx.version']\n"


def test_every_error_is_listed_and_derives_from_one_root() -> None:
    """`errors.__all__` is complete and sorted."""
    found = [
        name
        for name, value in vars(errors).items()
        if inspect.isclass(value) and value.__module__ == errors.__name__
    ]
    assert errors.__all__ == sorted(found)
    assert all(issubclass(getattr(errors, name), sqlx.SqlxError) for name in found)
