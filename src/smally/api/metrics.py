"""The figures of this process, as Prometheus reads them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from litestar import Controller, get
from litestar.response import Response
from prometheus_client import (
    CollectorRegistry,
    Gauge,
    Info,
    disable_created_metrics,
    generate_latest,
)
from prometheus_client.exposition import CONTENT_TYPE_PLAIN_0_0_4
from prometheus_client.platform_collector import PlatformCollector
from prometheus_client.process_collector import ProcessCollector

from smally.config import version

if TYPE_CHECKING:
    from smally.database import Database
    from smally.embedding.engine import Embeddings

__all__ = ["MetricsController", "create_registry"]


def create_registry(database: Database, embeddings: Embeddings) -> CollectorRegistry:
    """Collect what is read off at the moment of asking."""
    # A series more for each figure, which nobody asked for.
    disable_created_metrics()  # type: ignore[no-untyped-call] # it has no types.
    registry = CollectorRegistry()
    ProcessCollector(registry=registry)
    PlatformCollector(registry=registry)
    Info("smally", "What runs", registry=registry).info(
        {"version": version(), "model": embeddings.model}
    )
    gauges = {
        "smally_embedding_cache_hits": lambda: embeddings.hits,
        "smally_embedding_cache_misses": lambda: embeddings.misses,
        "smally_pool_connections": lambda: database.pool_stats().get("pool_size", 0),
        "smally_pool_idle": lambda: database.pool_stats().get("pool_available", 0),
        "smally_pool_waiting": lambda: database.pool_stats().get("requests_waiting", 0),
    }
    for name, read in gauges.items():
        words = name.removeprefix("smally_").replace("_", " ").capitalize()
        Gauge(name, words, registry=registry).set_function(read)
    return registry


class MetricsController(Controller):
    """For a collector; a proxy should keep it from strangers."""

    path = "/metrics"

    @get(sync_to_thread=False, include_in_schema=False)
    def metrics(self, registry: CollectorRegistry) -> Response[bytes]:
        """Write all figures."""
        # Litestar adds the character set.
        media_type, _, _ = CONTENT_TYPE_PLAIN_0_0_4.rpartition(";")
        return Response(generate_latest(registry), media_type=media_type)
