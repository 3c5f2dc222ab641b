"""The command ``linprobe``, as the wheel carries it."""

from __future__ import annotations

import signal
import sys

from . import _native

__all__ = ["main"]


def main() -> int:
    """Runs the command line, and gives its exit code."""
    # Python would note Ctrl-C and go on; the command ends, and loses nothing.
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    return _native.run_command(["linprobe", *sys.argv[1:]])


if __name__ == "__main__":
    sys.exit(main())
