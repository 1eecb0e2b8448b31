"""Is the process alive, and can it do its work?"""

from __future__ import annotations

from litestar import Controller, get

from smally.api.problems import refusals
from smally.database import Database

__all__ = ["HealthController"]


class HealthController(Controller):
    """The two questions of an operator's supervisor."""

    path = "/health"
    tags = ("health",)

    @get("/live", sync_to_thread=False)
    def live(self) -> dict[str, str]:
        """Answer as soon as the process serves, also while it migrates."""
        return {"status": "live"}

    @get("/ready", responses=refusals())
    async def ready(self, database: Database) -> dict[str, str]:
        """Answer 200 once the schema is migrated and the database answers, else 503."""
        await database.check()
        return {"status": "ready"}
