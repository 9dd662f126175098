"""Run experiments: one sweep for each.

``python scripts/run_suite.py --help`` is the manual.
"""

import sys
from pathlib import Path

from plnet.runs.config.program import ends_with_its_reader, quiet_loading

with quiet_loading():
    from plnet.errors import PLNetError
    from plnet.runs.sweeps.suite import run_suite


def main() -> int:
    try:
        return run_suite(sys.argv[1:], Path(__file__).resolve().parent)
    except PLNetError as error:
        print(error, file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        print("Stopped by Ctrl-C.", file=sys.stderr)
        return 130


if __name__ == "__main__":
    with ends_with_its_reader():
        sys.exit(main())
