"""The command `smally`."""

from __future__ import annotations

import argparse
import os
from importlib.metadata import version

from smally.config import Settings, SettingsError, read_settings

__all__ = ["main"]


def main(arguments: list[str] | None = None) -> int:
    """Run the command and return its exit code."""
    parser = argparse.ArgumentParser(prog="smally", description="A text-embedding API.")
    parser.add_argument(
        "--version", action="version", version=f"smally {version('smally')}"
    )
    commands = parser.add_subparsers(dest="command", title="commands", required=True)
    commands.add_parser("serve", help="migrate the database, then serve")
    parser.parse_args(arguments)
    try:
        settings = read_settings(os.environ)
    except SettingsError as error:
        parser.exit(2, f"smally: {error}\n")
    return serve(settings)


def serve(settings: Settings) -> int:
    """Start the service, whose imports take half a second that `--version` spares."""
    import asyncio  # noqa: PLC0415

    from smally import logs, service  # noqa: PLC0415

    logs.configure_logging(settings.log_format)
    return asyncio.run(service.serve(settings))
