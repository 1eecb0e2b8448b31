"""The application: the routes, and how an error is answered."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

from litestar import Litestar
from litestar.di import Provide
from litestar.exceptions import HTTPException
from litestar.plugins.problem_details import ProblemDetailsConfig, ProblemDetailsPlugin

from smally.api.health import HealthController

if TYPE_CHECKING:
    from litestar.types import Scope

    from smally.database import Database

__all__ = ["create_app"]

log = logging.getLogger("smally")


def create_app(database: Database) -> Litestar:
    """Join the routes and the database that they use."""
    problems = ProblemDetailsConfig(enable_for_all_http_exceptions=True)
    return Litestar(
        [HealthController],
        dependencies={"database": Provide(lambda: database, sync_to_thread=False)},
        plugins=[ProblemDetailsPlugin(problems)],
        after_exception=[log_unexpected],
        logging_config=None,  # The process configures logging: smally.logs.
        openapi_config=None,
    )


async def log_unexpected(error: Exception, scope: Scope) -> None:
    """Keep the traceback of what no handler foresaw; a refused request is foreseen."""
    if not isinstance(error, HTTPException):
        log.error("%s failed", scope["path"], exc_info=error)
