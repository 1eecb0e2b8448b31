"""Is the process alive, and can it do its work?"""

from __future__ import annotations

from litestar import Controller, get
from litestar.plugins.problem_details import ProblemDetailsException
from litestar.status_codes import HTTP_503_SERVICE_UNAVAILABLE

from smally.database import Database, DatabaseUnavailable

__all__ = ["HealthController"]


class HealthController(Controller):
    """The two questions of an operator's supervisor."""

    path = "/health"

    @get("/live", sync_to_thread=False)
    def live(self) -> dict[str, str]:
        """Answer as soon as the process serves, also while it migrates."""
        return {"status": "live"}

    @get("/ready")
    async def ready(self, database: Database) -> dict[str, str]:
        """Answer 200 once the schema is migrated and the database answers, else 503."""
        try:
            await database.check()
        except DatabaseUnavailable as error:
            raise ProblemDetailsException(
                status_code=HTTP_503_SERVICE_UNAVAILABLE,
                title="Service Unavailable",
                detail=str(error),
                headers={"Retry-After": "1"},
            ) from error
        return {"status": "ready"}
