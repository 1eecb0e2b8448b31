"""Async fixtures on the loops of pytest-asyncio: one for each scope that a loop has."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal, get_args

import pytest_asyncio

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from sqlx.testing.stock import Lease

__all__: list[str] = []

Scope = Literal["session", "package", "module", "class", "function"]


def _adb(scope: Scope) -> Any:  # noqa: ANN401 -- a fixture.
    @pytest_asyncio.fixture(loop_scope=scope, name=f"_sqlx_adb_{scope}")
    async def adb(_sqlx_lease: Lease) -> AsyncIterator[Any]:
        async with _sqlx_lease.connected_async() as connection:
            yield connection

    return adb


def _apool(scope: Scope) -> Any:  # noqa: ANN401 -- a fixture.
    @pytest_asyncio.fixture(loop_scope=scope, name=f"_sqlx_apool_{scope}")
    async def apool(_sqlx_lease: Lease) -> AsyncIterator[Any]:
        async with _sqlx_lease.pool_async() as made:
            yield made

    return apool


for _scope in get_args(Scope):
    globals()[f"adb_{_scope}"] = _adb(_scope)
    globals()[f"apool_{_scope}"] = _apool(_scope)
