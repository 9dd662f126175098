"""The table of runs as files: CSV, Parquet, and the entries that do not vary beside it."""

from __future__ import annotations

import io
import json
import math
from pathlib import Path
from typing import Any

from plnet.errors import MissingExtraError
from plnet.io import write_atomically
from plnet.runs.store.writable import make_folder
from plnet.runs.table.columns import column_type
from plnet.runs.table.table import RunTable

__all__ = ["require_pyarrow", "write_constants", "write_csv", "write_parquet"]


def write_csv(table: RunTable, path: str | Path) -> Path:
    """Write a table as CSV: UTF-8, one line of names, decimals with all digits.

    A missing value is an empty field and an empty text is ``""``; numbers that are not finite are ``nan``,
    ``inf`` and ``-inf``.

    Raises
    ------
    OutputError
        If the file cannot be written.
    """
    lines = [",".join(map(_field, table.columns))]
    lines += [",".join(map(_field, row)) for row in zip(*table.columns.values(), strict=True)]
    return _write(path, ("\n".join(lines) + "\n").encode())


def write_constants(table: RunTable, path: str | Path) -> Path:
    """Write the entries that do not vary, and what could not be read, as JSON.

    Raises
    ------
    OutputError
        If the file cannot be written.
    """
    content = {"constants": table.constants, "problems": list(table.problems)}
    # NaN and infinity are no JSON; as texts they stay what they are.
    return _write(path, (json.dumps(_json(content), indent=2, allow_nan=False) + "\n").encode())


def write_parquet(table: RunTable, path: str | Path) -> Path:
    """Write a table as Parquet, with types and missing values.

    Raises
    ------
    MissingExtraError
        If pyarrow is not installed.
    OutputError
        If the file cannot be written.
    """
    arrow, parquet = require_pyarrow()
    types = {"bool": arrow.bool_(), "int": arrow.int64(), "float": arrow.float64(), "text": arrow.string()}
    columns = {}
    for name, values in table.columns.items():
        kind = column_type(values)
        plain = [None if v is None else v if isinstance(v, str) else _field(v) for v in values]
        columns[name] = arrow.array(plain if kind == "text" else values, type=types[kind], from_pandas=False)
    buffer = io.BytesIO()
    parquet.write_table(arrow.table(columns), buffer)
    return _write(path, buffer.getvalue())


def require_pyarrow() -> tuple[Any, Any]:
    """Return the modules ``pyarrow`` and ``pyarrow.parquet``.

    Raises
    ------
    MissingExtraError
        If they are not installed.
    """
    try:
        import pyarrow
        import pyarrow.parquet
    except ImportError as error:
        raise MissingExtraError(
            'A Parquet file needs pyarrow. Install it with `pip install "plnet[tables]"`, or take the CSV.'
        ) from error
    return pyarrow, pyarrow.parquet


def _field(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    if not isinstance(value, str):
        return repr(value)
    if value == "" or value.strip() != value or any(sign in value for sign in ',"\n\r'):
        return '"' + value.replace('"', '""') + '"'
    return value


def _json(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _json(entry) for key, entry in value.items()}
    if isinstance(value, list):
        return [_json(entry) for entry in value]
    return str(value) if isinstance(value, float) and not math.isfinite(value) else value


def _write(path: str | Path, content: bytes) -> Path:
    target = Path(path)
    make_folder(target.parent)
    with write_atomically(target) as handle:
        handle.write(content)
    return target
