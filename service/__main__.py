"""`python -m service` is the `myotome` command.

The imports wait until it really is the command: a device's child process imports its parent's main
module too, and needs nothing of it.
"""

from __future__ import annotations

import os
import sys


def main() -> None:
    """Run the command."""
    if sys.platform == "win32":
        sys.exit("myotome: Windows is not supported; use Linux, or WSL 2")
    # linear algebra here is small, and its threads would spin on the cores that devices need
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
    from service.cli import app  # noqa: PLC0415 - see above

    app()


if __name__ == "__main__":
    main()
