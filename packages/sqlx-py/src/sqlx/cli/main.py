"""Where the command begins.

`sqlx --version` is answered before anything else of ours, or argparse, is imported: no
module may be imported here at the top but `sys` and the version.
"""

import sys

from sqlx.version import __version__

__all__ = ["VERSION", "main"]

VERSION = f"sqlx-py {__version__} (compatible with SQLx 0.8 and 0.9)"


def main(argv: list[str] | None = None) -> int:
    """Run one command.

    Args:
        argv: The words after the program's name; None for those of the process.

    Returns:
        The exit code: 0 done, 1 refused or failed, 2 misused, 3 migrations are pending
        (`migrate check`), 130 interrupted.
    """
    arguments = sys.argv[1:] if argv is None else argv
    if arguments[:1] in (["--version"], ["-V"]):
        return _say(VERSION)
    try:
        from sqlx.cli.dispatch import dispatch  # See above.

        return dispatch(arguments)
    except KeyboardInterrupt:  # Before a command had begun, or when it had ended.
        sys.stderr.write("interrupted\n")
        return 130


def _say(text: str) -> int:
    try:
        sys.stdout.write(text + "\n")
        sys.stdout.flush()
    except BrokenPipeError:
        from sqlx.cli.output import silence  # Seldom needed.

        silence(sys.stdout)
    return 0
