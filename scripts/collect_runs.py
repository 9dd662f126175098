"""Collect the results of many runs into one table.

``python scripts/collect_runs.py --help`` is the manual.
"""

import sys

from plnet.runs.config.program import ends_with_its_reader, quiet_loading

with quiet_loading():
    from plnet.errors import PLNetError
    from plnet.runs.commands.collect import run_collect


def main() -> int:
    try:
        return run_collect(sys.argv[1:])
    except PLNetError as error:
        print(error, file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("Stopped by Ctrl-C. No table was written.", file=sys.stderr)
        return 130


if __name__ == "__main__":
    with ends_with_its_reader():
        sys.exit(main())
