"""HTTP/1.1 with a bound on a request's head, which httptools reads to whatever end."""

from __future__ import annotations

from typing import Any

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

__all__ = ["BoundedProtocol"]

MOST_HEAD_BYTES = 1 << 16


class BoundedProtocol(HttpToolsProtocol):
    """A connection that ends when a head grows too long: nobody has shown a key yet."""

    def __init__(self, *arguments: Any, **keywords: Any) -> None:  # noqa: ANN401 - uvicorn's.
        super().__init__(*arguments, **keywords)
        self._is_in_head = False
        self._head_bytes = 0

    def on_message_begin(self) -> None:
        """Begin to read a head."""
        super().on_message_begin()
        self._is_in_head = True
        self._head_bytes = 0

    def on_headers_complete(self) -> None:
        """Stop counting: the body has a bound of its own."""
        self._is_in_head = False
        super().on_headers_complete()

    def data_received(self, data: bytes) -> None:
        """Read on, unless the head has become too long without an end."""
        super().data_received(data)
        if self._is_in_head:
            self._head_bytes += len(data)
            if self._head_bytes > MOST_HEAD_BYTES:
                self.transport.close()
