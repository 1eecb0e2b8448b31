"""What systemd is told: that the service is ready, still starting, or stopping."""

from __future__ import annotations

import asyncio
import os
import socket
from contextlib import suppress

__all__ = ["extend_start", "notify"]

# Asked for again and again, well before the time that was granted is over.
EXTENSION_SECONDS = 30
PERIOD_SECONDS = 10


def notify(*lines: str) -> None:
    """Send states such as `READY=1`; nothing happens outside a unit of Type=notify.

    Source:
        sd_notify(3): a datagram to the socket that $NOTIFY_SOCKET names.
    """
    address = os.environ.get("NOTIFY_SOCKET")
    if not address:
        return
    if address.startswith("@"):  # An abstract name, which begins with a zero byte.
        address = f"\0{address[1:]}"
    # A supervisor that does not listen is no reason to stop serving.
    with (
        suppress(OSError),
        socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as sender,
    ):
        sender.settimeout(0)
        sender.sendto("\n".join(lines).encode(), address)


async def extend_start() -> None:
    """Go on asking for more time to start, until cancelled: a migration may be long."""
    while True:
        notify(f"EXTEND_TIMEOUT_USEC={EXTENSION_SECONDS * 1_000_000}")
        await asyncio.sleep(PERIOD_SECONDS)
