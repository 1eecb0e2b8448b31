"""`sqlx completions`: print a script that was generated from the parser at release."""

from __future__ import annotations

from importlib import resources
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import argparse

    from sqlx.cli.output import Output

__all__ = ["completions"]


def completions(options: argparse.Namespace, output: Output) -> int:
    """Print the completions of a shell; `scripts/completions` generates them."""
    script = resources.files("sqlx.cli").joinpath("completions", f"{options.shell}.txt")
    output.line(script.read_text("utf-8").rstrip("\n"))
    return 0
