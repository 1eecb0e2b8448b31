"""What has to come to its end although the task that awaits it is cancelled."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Coroutine

__all__ = ["held"]


async def held(work: Coroutine[Any, Any, None]) -> None:
    """Await something to its end, however often we are cancelled meanwhile.

    Who calls it is leaving already, and raises what it was cancelled with.
    """
    task = asyncio.ensure_future(work)
    while not task.done():
        with suppress(asyncio.CancelledError):
            await asyncio.shield(task)
    task.result()
