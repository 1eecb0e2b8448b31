"""The log: a line a record on standard error, for a person, journald or a collector."""

from __future__ import annotations

import json
import logging
from datetime import UTC, datetime

__all__ = ["JsonFormatter", "configure_logging"]

TEXT = "[%(levelname)s] %(message)s"  # journald adds the time and the unit.


class JsonFormatter(logging.Formatter):
    """Write each record as one line: a JSON object."""

    def format(self, record: logging.LogRecord) -> str:
        """Give time, level, logger, message, and what else the record has."""
        written = datetime.fromtimestamp(record.created, UTC)
        entry = {
            "time": written.isoformat(timespec="milliseconds"),
            "level": record.levelname,
            "logger": record.name,
            "message": record.getMessage(),
        }
        if request_id := getattr(record, "request_id", None):
            entry["request_id"] = request_id
        if record.exc_info:
            entry["exception"] = self.formatException(record.exc_info)
        return json.dumps(entry, ensure_ascii=False)


def configure_logging(log_format: str) -> None:
    """Send every logger's records to standard error, in one format.

    Args:
        log_format: `text` or `json`.
    """
    # The handler flushes each record: a line is in the journal as soon as it is true.
    handler = logging.StreamHandler()
    json_wanted = log_format == "json"
    handler.setFormatter(JsonFormatter() if json_wanted else logging.Formatter(TEXT))
    logging.basicConfig(level=logging.INFO, handlers=[handler], force=True)
    logging.getLogger("uvicorn").setLevel(logging.WARNING)
    # One line when the database is lost is ours, not one for each attempt to connect.
    logging.getLogger("psycopg.pool").setLevel(logging.ERROR)
