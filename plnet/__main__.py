"""``python -m plnet``: the same as the command ``plnet``."""

from plnet.runs.commands.main import main

if __name__ == "__main__":
    raise SystemExit(main())
