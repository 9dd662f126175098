"""Code of the user, named in a configuration as ``module:attribute`` and found from the launch folder."""

from __future__ import annotations

import functools
import hashlib
import importlib
import importlib.util
import inspect
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from types import BuiltinFunctionType, FunctionType, MethodType, ModuleType
from typing import Any

from plnet.checks import did_you_mean
from plnet.errors import ConfigError

__all__ = ["launch_folder", "load_attribute", "load_factory", "refuse_python_itself", "source_digest"]

_CODE = (type, FunctionType, MethodType, BuiltinFunctionType)
_REFUSED = (
    'A configuration must not name what belongs to Python itself, and "{name}" does. Write a function of '
    "your own, in a file in the folder where you start, and name that."
)

# Modules that were imported here, with the digests of their files at that moment. Python imports a module
# once in a process, whatever happens to its file later.
_IMPORTED: dict[str, tuple[ModuleType, str | None]] = {}


def launch_folder() -> Path:
    """Return the folder where the script was started, also in a worker."""
    from hydra.core.hydra_config import HydraConfig

    return Path(HydraConfig.get().runtime.cwd) if HydraConfig.initialized() else Path.cwd()


def load_attribute(name: str, folder: str | Path | None = None) -> Any:
    """Return what a text ``module:attribute`` stands for.

    Modules in the launch folder come first, so that a file there is not mistaken for a package of its name.
    The folder stays at the end of ``sys.path``, for modules that are imported later. What belongs to Python
    itself, as ``os:system``, is refused: no such function makes a network, and some of them run anything.

    Parameters
    ----------
    name : str
        As ``my.module:make``.
    folder : str or Path, optional
        The launch folder by default.

    Raises
    ------
    ConfigError
        If there is no such module or attribute, if it is of Python itself, or if the module cannot be
        imported.

    Examples
    --------
    >>> from plnet.runs.config.user_code import load_attribute
    >>> load_attribute("numpy:hypot")(3.0, 4.0)
    np.float64(5.0)
    """
    module_name, attribute = _split(name)
    place = Path(folder) if folder is not None else launch_folder()
    place = place.absolute()
    top = module_name.partition(".")[0]
    if _is_standard(top, place):
        raise ConfigError(_REFUSED.format(name=name))
    with _found_first(place):
        digest = _file_digest(module_name)
        module = _import(module_name, name, place)
        if _IMPORTED.get(module_name, (None, None))[0] is not module:
            if _file_digest(module_name) != digest:
                raise ConfigError(
                    f'"{name}": {_file(module)} was changed while it was imported. Start again.'
                )
            _IMPORTED[module_name] = module, digest
    value: Any = module
    for part in attribute.split("."):
        if not hasattr(value, part):
            hint = did_you_mean(part, dir(value), '"{}"')
            raise ConfigError(
                f'"{name}": {module_name} ({_file(module)}) has no attribute "{attribute}".{hint}'
            )
        value = getattr(value, part)
        refuse_python_itself(name, value, place)
    return value


def load_factory(group: str, factory: str, options: Mapping[str, Any], **offered: Any) -> Callable[[], Any]:
    """Return the function that the entry ``factory`` of a group names, with its arguments.

    Parameters
    ----------
    group : str
        For messages.
    factory : str
        ``module:function``, as for `load_attribute`.
    options : mapping
        Keyword arguments.
    offered
        Further ones, for a function that has an argument of this name and gets nothing else for it.

    Raises
    ------
    ConfigError
        If the function is not found, or cannot be called this way.
    """
    make, given = load_attribute(factory), dict(options)
    if not callable(make):
        raise ConfigError(
            f"Expected {group}.factory={factory} to be a function, it is a {type(make).__name__}."
        )
    try:
        signature = inspect.signature(make)
        given = {name: value for name, value in offered.items() if name in signature.parameters} | given
        signature.bind(**given)
    except TypeError as error:
        raise ConfigError(
            f"{factory}{signature} cannot be called with {', '.join(given) or 'no arguments'}: {error}. "
            f"Set arguments with +{group}.options.<name>=..."
        ) from error
    except ValueError:
        pass  # Something compiled, which tells nothing about its arguments.
    return functools.partial(make, **given)


def refuse_python_itself(name: str, value: Any, folder: Path) -> None:
    """Raise `ConfigError` if what a configuration names is a module, class or function of Python itself.

    Parameters
    ----------
    name : str
    value : object
        What the name stands for.
    folder : Path
        Files there are no part of Python, whatever their names.
    """
    if isinstance(value, ModuleType):
        home = value.__name__
    elif isinstance(value, BuiltinFunctionType) and not isinstance(value.__self__, ModuleType | None):
        home = type(value.__self__).__module__
    elif isinstance(value, _CODE):
        home = value.__module__
    else:
        return
    if _is_standard(str(home).partition(".")[0], folder):
        raise ConfigError(_REFUSED.format(name=name))


def _is_standard(top: str, folder: Path) -> bool:
    return top in sys.stdlib_module_names and not _own_files(folder, top)


def source_digest(name: str, folder: str | Path | None = None) -> str | None:
    """Return the SHA-256 of the file of the module in ``module:attribute``; None if no file is found.

    The module is not imported. If `load_attribute` imported it before, the answer is the digest of what was
    imported, also where the file was edited since. What the module imports itself is not covered.
    """
    module_name = name.partition(":")[0]
    module, digest = _IMPORTED.get(module_name, (None, None))
    if module is not None and sys.modules.get(module_name) is module:
        return digest
    place = (Path(folder) if folder is not None else launch_folder()).absolute()
    with _found_first(place):
        return _file_digest(module_name)


def _split(name: str) -> tuple[str, str]:
    module_name, colon, attribute = name.partition(":")
    parts = [*module_name.split("."), *attribute.split(".")]
    if not colon or not all(part.isidentifier() for part in parts):
        hint = ""
        if module_name.endswith(".py") or "/" in module_name:
            dotted = module_name.removesuffix(".py").strip("./").replace("/", ".")
            hint = f" For a file write {dotted}:{attribute or 'make'}."
        raise ConfigError(f'Expected module:attribute, as my.module:make; got "{name}".{hint}')
    return module_name, attribute


@contextmanager
def _found_first(folder: Path) -> Iterator[None]:
    text = str(folder)
    sys.path.insert(0, text)
    # A file that was written since this process last looked would not be seen.
    importlib.invalidate_caches()
    try:
        yield
    finally:
        sys.path.remove(text)
        if text not in sys.path:
            sys.path.append(text)


def _file_digest(module_name: str) -> str | None:
    # Finding a module imports the packages above it, which may fail in any way; whoever imports tells how.
    with suppress(Exception):
        spec = importlib.util.find_spec(module_name)
        if spec is not None and spec.origin is not None:
            return hashlib.sha256(Path(spec.origin).read_bytes()).hexdigest()
    return None


def _import(module_name: str, name: str, folder: Path) -> Any:
    top = module_name.partition(".")[0]
    try:
        module = importlib.import_module(module_name)
    except ModuleNotFoundError as error:
        missing = error.name or ""
        if missing == module_name or module_name.startswith(missing + "."):
            raise ConfigError(
                f'"{name}": there is no module "{missing}" in {folder} nor among the installed packages. '
                "Modules are looked for in the folder where the script is started."
            ) from error
        raise ConfigError(
            f'"{name}": {module_name} imports "{missing}", which is not installed nor in {folder}.'
        ) from error
    except Exception as error:
        raise ConfigError(
            f'"{name}": importing {module_name} failed with {type(error).__name__}: {error}. '
            "HYDRA_FULL_ERROR=1 shows where."
        ) from error
    here = _own_files(folder, top)
    loaded = getattr(sys.modules[top], "__file__", None)
    if here and loaded is not None and Path(loaded).resolve() not in [path.resolve() for path in here]:
        raise ConfigError(
            f'"{name}": a module "{top}" from {loaded} was loaded before, so the one in {folder} cannot be. '
            "Give yours another name."
        )
    return module


def _own_files(folder: Path, top: str) -> list[Path]:
    return [path for path in (folder / f"{top}.py", folder / top / "__init__.py") if path.is_file()]


def _file(module: Any) -> str:
    return str(getattr(module, "__file__", None) or "built in")
