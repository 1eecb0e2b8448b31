"""What the handlers of one process share."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from smally.auth.authenticator import Authenticator
    from smally.database import Database
    from smally.embedding.engine import Embeddings
    from smally.metering.meter import Meter

__all__ = ["Services"]


class Services:
    """One of each in a process.

    Not a dataclass: Litestar would take one for something to be decoded.
    """

    __slots__ = ("authenticator", "database", "embeddings", "meter")

    def __init__(
        self,
        database: Database,
        authenticator: Authenticator,
        meter: Meter,
        embeddings: Embeddings,
    ) -> None:
        self.database = database
        self.authenticator = authenticator
        self.meter = meter
        self.embeddings = embeddings
