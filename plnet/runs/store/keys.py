"""The key of a run: one for all ways to write the same scientific configuration."""

from __future__ import annotations

import hashlib
import json
import math
from collections.abc import Iterable, Mapping
from typing import Any

from omegaconf import DictConfig, ListConfig, OmegaConf
from omegaconf.errors import OmegaConfBaseException

from plnet.errors import ConfigError

__all__ = ["NOT_SCIENTIFIC", "plain_config", "require_values", "run_key", "scientific_part"]

# What says only where, how fast and how it looks. Dotted names are single entries.
NOT_SCIENTIFIC = ("runtime", "paths", "launch", "hydra", "plot", "rerun", "when_locked", "engine.n_jobs")


def plain_config(config: DictConfig | Mapping[str, Any]) -> dict[str, Any]:
    """Return a configuration as plain dicts, lists and values, with every interpolation resolved.

    Raises
    ------
    ConfigError
        Names the entry that has no value or cannot be resolved.
    """
    node = config if isinstance(config, DictConfig) else OmegaConf.create(_refuse_objects(dict(config)))
    require_values(node)
    return _plain(node, "")


def require_values(config: DictConfig) -> None:
    """Raise `ConfigError` if a value that only the user can give is missing."""
    try:
        missing = sorted(OmegaConf.missing_keys(config))
    except OmegaConfBaseException:
        return  # An interpolation without a value; whoever resolves the entries names it.
    if missing:
        raise ConfigError(
            f"The configuration has no value for {', '.join(missing)}. "
            f"Give it on the command line: {' '.join(f'{key}=...' for key in missing)}"
        )


def scientific_part(plain: Mapping[str, Any], leave_out: Iterable[str] = ()) -> dict[str, Any]:
    """Return the entries of a plain configuration on which the numbers depend.

    Parameters
    ----------
    plain : mapping
        As `plain_config` returns it.
    leave_out : iterable of str
        Dotted names beside `NOT_SCIENTIFIC`.
    """
    part = {str(key): value for key, value in plain.items()}
    for name in (*NOT_SCIENTIFIC, *leave_out):
        part = _without(part, name.split("."))
    return part


def run_key(job: str, schema: int, part: Mapping[str, Any], code: Mapping[str, str] | None = None) -> str:
    """Return the key of a scientific configuration: 16 hexadecimal digits.

    Parameters
    ----------
    job : str
        Name of the script.
    schema : int
        Version of the meaning of its results.
    part : mapping
        As `scientific_part` returns it, and `plnet.runs.store.inputs.with_inputs` completes it.
    code : mapping of str to str, optional
        Digests of files of the user that make the results, as `code_digests` returns them.

    Raises
    ------
    ConfigError
        Names an entry that is no plain value.

    Examples
    --------
    >>> from plnet.runs.store.keys import run_key
    >>> run_key("demo", 1, {"a": 1, "b": 2.5}) == run_key("demo", 1, {"b": 2.5, "a": 1.0})
    True
    """
    content: dict[str, Any] = {"schema": schema, "job": job, "config": _canonical(part, "")}
    if code:
        content["code"] = sorted(code.values())
    text = json.dumps(content, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def _plain(node: Any, path: str) -> Any:
    if isinstance(node, DictConfig | ListConfig):
        if node._is_none():
            return None
        entries = node.keys() if isinstance(node, DictConfig) else range(len(node))
        values = {}
        for key in entries:
            name = f"{path}.{key}" if path else str(key)
            try:
                values[key] = node[key]  # type: ignore[index]
            except OmegaConfBaseException as error:
                reason = str(error).splitlines()[0]
                raise ConfigError(f"The entry {name} of the configuration has no value: {reason}.") from error
            values[key] = _plain(values[key], name)
        return values if isinstance(node, DictConfig) else list(values.values())
    return node


def _canonical(value: Any, path: str) -> Any:
    """Return a value in the one form that is hashed: whole numbers are integers, however they are written."""
    if isinstance(value, Mapping):
        found = {}
        for key, entry in value.items():
            name = f"{path}.{key}" if path else str(key)
            # JSON would write the key 1 like "1".
            label = key if isinstance(key, str) else f"{type(key).__name__}:{key!r}"
            found[label] = _canonical(entry, name)
        return found
    if isinstance(value, list | tuple):
        return [_canonical(entry, f"{path}[{i}]") for i, entry in enumerate(value)]
    if value is None or isinstance(value, bool | str):
        return value
    if isinstance(value, int):
        return int(value)
    if isinstance(value, float):
        return int(value) if math.isfinite(value) and value.is_integer() else float(value)
    raise ConfigError(
        f"The entry {path} of the configuration is a {type(value).__name__}, {value!r}. The name of the "
        "folder is made from the configuration, so each entry must be a number, a text, true, false, null, "
        "or lists and groups of these."
    )


def _refuse_objects(values: Mapping[Any, Any]) -> dict[Any, Any]:
    # OmegaConf refuses objects in its own words; with these the message names the entry.
    _canonical(values, "")
    return dict(values)


def _without(part: dict[str, Any], names: list[str]) -> dict[str, Any]:
    first, *rest = names
    if first not in part:
        return part
    if not rest:
        return {key: value for key, value in part.items() if key != first}
    inner = part[first]
    return {**part, first: _without(dict(inner), rest)} if isinstance(inner, Mapping) else part
