"""Run the command as `python -m smally`."""

import sys

from smally.cli import main

if __name__ == "__main__":
    sys.exit(main())
