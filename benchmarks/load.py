"""How much of its speed `/v1/embed` keeps with keys, limits and metering.

    scripts/bench load [--seconds 5] [--rounds 3] [--distinct]

Two processes, side by side: the service on an embedded PostgreSQL in memory, and the
same handler with nothing but the embedding. wrk asks both in turn, over 1, 16 and 50
connections; the tier's limits are lifted, for they would end the race. Texts come from
a hundred, so that the cache has them, or with --distinct never twice. Needs wrk.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import re
import shutil
import statistics
import subprocess
import sys
import tempfile
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from litestar import Litestar

CONNECTIONS = (1, 16, 50)
FULL, PLAIN = "full", "plain"
SCRIPT = """
local n = 0
request = function()
  n = n + 1
  local text = "the quick brown fox number " .. (n % DISTINCT) .. " jumps over the dog"
  local head = {["Content-Type"] = "application/json",
                ["Authorization"] = "Bearer KEY"}
  return wrk.format("POST", "/v1/embed", head, '{"input": "' .. text .. '"}')
end
"""


def main() -> int:
    """Measure, and print a table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=int, default=5)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--distinct", action="store_true")
    parser.add_argument("--serve", choices=(FULL, PLAIN), help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.serve:
        return serve_full() if options.serve == FULL else serve_plain()
    if shutil.which("wrk") is None:
        parser.exit(2, "bench: wrk is not installed\n")
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(dir=memory())))
        addresses = {kind: start(kind, folder, stack) for kind in (FULL, PLAIN)}
        report(options, addresses, folder)
    return 0


def memory() -> str | None:
    """Name a folder in memory, where there is one."""
    place = "/dev/shm"  # noqa: S108 - a new folder in it.
    return place if Path(place).is_dir() else None


def start(kind: str, folder: Path, stack: ExitStack) -> tuple[str, str]:
    """Start a process, and give its address and a key."""
    process = subprocess.Popen(
        [sys.executable, __file__, "--serve", kind],
        cwd=folder,
        env=os.environ | {"SMALLY_MIGRATIONS": str(Path("migrations").resolve())},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    stack.callback(process.wait)
    stack.callback(process.terminate)
    said = ""
    assert process.stdout is not None  # noqa: S101 - it is a pipe.
    for line in process.stdout:
        said += line
        if found := re.search(r"curl (\S+)/v1/embed .*Bearer ([^']*)'", line):
            return found[1], found[2]
    raise SystemExit(said)


def report(
    options: argparse.Namespace, addresses: dict[str, tuple[str, str]], folder: Path
) -> None:
    """Ask both in turn, and print medians and their ratio."""
    print("| connections | service/s | p99 ms | plain/s | p99 ms | ratio |")
    print("| --- | --- | --- | --- | --- | --- |")
    for connections in CONNECTIONS:
        found: dict[str, list[tuple[float, float]]] = {FULL: [], PLAIN: []}
        for _ in range(options.rounds):
            for kind, (address, key) in addresses.items():
                found[kind].append(ask(options, address, key, connections, folder))
        rates = {k: statistics.median(r for r, _ in v) for k, v in found.items()}
        p99s = {k: statistics.median(p for _, p in v) for k, v in found.items()}
        print(
            f"| {connections} | {rates[FULL]:.0f} | {p99s[FULL]:.1f} "
            f"| {rates[PLAIN]:.0f} | {p99s[PLAIN]:.1f} "
            f"| {rates[FULL] / rates[PLAIN]:.2f} |",
            flush=True,
        )


def ask(
    options: argparse.Namespace, address: str, key: str, connections: int, folder: Path
) -> tuple[float, float]:
    """Run wrk: requests a second, and the 99th percentile in milliseconds."""
    distinct = 10**12 if options.distinct else 100
    script = folder / "ask.lua"
    script.write_text(SCRIPT.replace("DISTINCT", str(distinct)).replace("KEY", key))
    done = subprocess.run(
        [
            *("wrk", "--threads", "1", "--connections", str(connections)),
            *("--duration", f"{options.seconds}s", "--latency"),
            *("--script", str(script), address),
        ],
        check=True,
        capture_output=True,
        text=True,
    )
    if "Non-2xx" in done.stdout:
        raise SystemExit(done.stdout)
    rate = re.search(r"Requests/sec: +([\d.]+)", done.stdout)
    p99 = re.search(r"99% +([\d.]+)(us|ms|s)", done.stdout)
    if rate is None or p99 is None:
        raise SystemExit(done.stdout)
    return float(rate[1]), float(p99[1]) * {"us": 1e-3, "ms": 1, "s": 1e3}[p99[2]]


def serve_full() -> int:
    """Serve as `smally serve --demo` does, with limits that nobody reaches."""
    from smally import tiers  # noqa: PLC0415

    tiers.TIERS = {"free": tiers.Tier("free", 2**31 - 1, 10**15)}
    # It reads the tiers when it is imported.
    from smally import logs, service  # noqa: PLC0415
    from smally.config import Settings  # noqa: PLC0415

    logs.configure_logging("text")
    settings = Settings(port=0, migrations=os.environ["SMALLY_MIGRATIONS"])
    return service.run(settings, demo=True)


def serve_plain() -> int:
    """Serve the embedding alone, with the same framework, server and answer."""
    import uvicorn  # noqa: PLC0415

    from smally.service import address, listen, new_event_loop  # noqa: PLC0415

    listener = listen("127.0.0.1", 0)
    print(f"curl {address(listener)}/v1/embed -H 'Bearer none'", flush=True)
    config = uvicorn.Config(
        plain_app(), log_level="warning", access_log=False, proxy_headers=False
    )
    with asyncio.Runner(loop_factory=new_event_loop) as runner:
        runner.run(uvicorn.Server(config).serve(sockets=[listener]))
    return 0


def plain_app() -> Litestar:
    """Make the handler without keys, limits and metering."""
    from litestar import Litestar, MediaType, post  # noqa: PLC0415
    from litestar.response import Response  # noqa: PLC0415

    from smally.api.embed import (  # noqa: PLC0415
        EmbedRequest,
        EncodedAnswer,
        TextsUsed,
        encode,
    )
    from smally.embedding.engine import Embeddings  # noqa: PLC0415
    from smally.embedding.loading import load_embedder  # noqa: PLC0415

    embeddings = Embeddings(load_embedder("hashed"))

    async def embed(data: EmbedRequest) -> Response[bytes]:
        texts = [data.input] if isinstance(data.input, str) else data.input
        vectors = await embeddings.embed(texts, normalize=data.normalize)
        answer = EncodedAnswer(
            embeddings.model, embeddings.dimensions, vectors, TextsUsed(len(texts))
        )
        return Response(encode(answer), media_type=MediaType.JSON)

    embed.__annotations__ = {"data": EmbedRequest, "return": Response[bytes]}
    handler = post("/v1/embed", status_code=200)(embed)
    return Litestar([handler], logging_config=None, openapi_config=None)


if __name__ == "__main__":
    sys.exit(main())
