"""The application: the routes, what they use, and how an error is answered."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

from litestar import Litestar, Router
from litestar.di import Provide
from litestar.exceptions import HTTPException

from smally.api.embed import MAX_BODY_BYTES, EmbedController
from smally.api.health import HealthController
from smally.api.keys import KeysController
from smally.api.metrics import MetricsController, create_registry
from smally.api.observing import Observed, request_id_of
from smally.api.page import PageController
from smally.api.problems import problems
from smally.api.schema import schema_config
from smally.api.usage import UsageController
from smally.api.users import UsersController
from smally.auth.guard import key_guard, provide_caller
from smally.database import DatabaseUnavailable

if TYPE_CHECKING:
    from litestar.types import Scope

    from smally.services import Services

__all__ = ["create_app"]

log = logging.getLogger("smally")


def create_app(services: Services) -> Observed:
    """Join the routes and the services that they use."""
    registry = create_registry(services.database, services.embeddings)
    provided = {
        "database": services.database,
        "authenticator": services.authenticator,
        "services": services,
        "registry": registry,
    }
    app = Litestar(
        [
            behind_keys(services),
            HealthController,
            MetricsController,
            PageController,
        ],
        dependencies={
            **{name: provide(service) for name, service in provided.items()},
            "caller": Provide(provide_caller),
        },
        plugins=[problems()],
        after_exception=[log_unexpected],
        request_max_body_size=MAX_BODY_BYTES,
        logging_config=None,  # The process configures logging: smally.logs.
        openapi_config=schema_config(),
    )
    return Observed(app, registry)


def behind_keys(services: Services) -> Router:
    """Put the door in front of what needs a key: a stranger's body is not even read."""
    return Router(
        "/",
        route_handlers=[
            EmbedController,
            UsageController,
            KeysController,
            UsersController,
        ],
        guards=[key_guard(services.database, services.authenticator)],
    )


def provide(service: object) -> Provide:
    """Hand a service to the handlers that name it."""
    return Provide(lambda: service, sync_to_thread=False)


async def log_unexpected(error: Exception, scope: Scope) -> None:
    """Keep what no handler foresaw, with the request's id.

    What is refused is foreseen, and that the database does not answer is told once, by
    `smally.database`, not with every request.
    """
    if isinstance(error, HTTPException | DatabaseUnavailable | RecursionError):
        return
    request_id = request_id_of(scope)
    log.error(
        "request %s to %s failed",
        request_id,
        scope["path"],
        exc_info=error,
        extra={"request_id": request_id},
    )
