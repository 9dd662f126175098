"""`count_many`: the regions of many networks on one domain in one call."""

from __future__ import annotations

import sys
import threading
from collections.abc import Iterable, Iterator, Mapping
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from copy import deepcopy
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

from plnet.budgets import STOPS, Deadline
from plnet.checks import suggest_options
from plnet.errors import DomainError, NetworkError
from plnet.geometry.domain import Chart, Domain
from plnet.ir.network import PLNetwork
from plnet.progress import Progress, Report, reporting
from plnet.regions.api import count_regions
from plnet.regions.control import Budget, threads_of
from plnet.regions.definitions.count import canonical_definition
from plnet.regions.engines.base import Engine
from plnet.regions.engines.choice import get_engine
from plnet.regions.leaves import read_only
from plnet.regions.results import RegionCount

if TYPE_CHECKING:
    from torch.nn import Module

__all__ = ["EnsembleCount", "count_many"]

_POLL = 0.2
"""Seconds between looks at Ctrl-C on systems where waiting for a thread cannot be interrupted."""


@dataclass(frozen=True, eq=False)
class EnsembleCount:
    """The counts of many networks, in the order in which they were given.

    Parameters
    ----------
    results : tuple of RegionCount or None
        None where a network failed or was not reached.
    errors : tuple of Exception or None
        Why a network failed.
    seconds : float
        Wall time of the whole call.
    """

    results: tuple[RegionCount | None, ...]
    errors: tuple[Exception | None, ...]
    seconds: float

    def __len__(self) -> int:
        return len(self.results)

    def __iter__(self) -> Iterator[RegionCount | None]:
        return iter(self.results)

    def __getitem__(self, i: int) -> RegionCount | None:
        return self.results[i]

    def __repr__(self) -> str:
        return (
            f"EnsembleCount({int(self.complete.sum())} of {len(self)} networks counted, "
            f"{sum(error is not None for error in self.errors)} failed, {self.seconds:.3g} s)"
        )

    @property
    def counts(self) -> np.ndarray:
        """Regions found in each network, shape (n,), -1 where there is no result.

        int64; Python integers where one of them does not fit.
        """
        found = [-1 if result is None else result.count for result in self.results]
        fits = all(count < 2**63 for count in found)
        return read_only(np.array(found, dtype=np.int64 if fits else object))

    @property
    def complete(self) -> np.ndarray:
        """Which networks were counted to the end, shape (n,)."""
        return read_only(np.array([r is not None and r.complete for r in self.results], dtype=bool))

    @property
    def exact(self) -> np.ndarray:
        """Which counts are proved, shape (n,)."""
        return read_only(np.array([r is not None and r.exact for r in self.results], dtype=bool))


@suggest_options
def count_many(
    networks: Iterable[Any] | Module | PLNetwork,
    domain: Domain | None = None,
    *,
    module: Module | None = None,
    definition: str = "activation",
    engine: str | Engine = "auto",
    max_regions: int | None = None,
    max_seconds: float | None = None,
    max_total_seconds: float | None = None,
    n_jobs: int = 1,
    progress: Progress = "auto",
) -> EnsembleCount:
    """Count the linear regions of many networks on one domain.

    Parameters
    ----------
    networks : iterable of torch.nn.Module, PLNetwork or state dict
        For example one architecture with many seeds, or the checkpoints of a training. A single network is
        an ensemble of one, also where it is a container such as `torch.nn.Sequential`; a
        `torch.nn.ModuleList` holds several.
    domain : Domain, optional
        All of R^n if not given.
    module : torch.nn.Module, optional
        The architecture, where `networks` holds state dicts. It is copied, never changed.
    definition, engine
        As in `count_regions`.
    max_regions, max_seconds : int or float, optional
        Budget of each network.
    max_total_seconds : float, optional
        Budget of the whole call. Networks that are not reached have no result.
    n_jobs : int
        Threads, each with a network of its own; -1 takes one for each core.
    progress : "auto", bool, None or callable
        "auto" shows a bar on a terminal; a callable gets the number of networks that are done.

    Returns
    -------
    EnsembleCount
        After Ctrl-C what is known. A network that fails is an entry with its error.

    Raises
    ------
    PLNetError
        If an option cannot be used, whatever the network, or `networks` holds no networks.

    Examples
    --------
    >>> import plnet
    >>> from plnet.ir import Affine, PLNetwork, ScalarPWL
    >>> nets = [PLNetwork((Affine([[1, 0], [0, k]], [0, 0]), ScalarPWL.relu(2)), 2) for k in (0, 1)]
    >>> plnet.count_many(nets, plnet.Box(-1, 1)).counts.tolist()
    [2, 4]
    """
    deadline = Deadline.start(max_total_seconds)
    given = _listed(networks)
    budget = Budget(max_regions, max_seconds, n_jobs, progress)
    canonical_definition(definition)
    if engine != "auto":
        engine = get_engine(engine)
    if domain is not None:
        domain = _SharedChart(domain)
    task = _Task(domain, module, definition, engine, budget, deadline)
    with reporting(progress, "networks", len(given)) as report:
        found = _run(task, given, threads_of(n_jobs), report)
    results = tuple(x if isinstance(x, RegionCount) else None for x in found)
    errors = tuple(x if isinstance(x, Exception) else None for x in found)
    return EnsembleCount(results, errors, deadline.seconds)


def _listed(networks: Any) -> list[Any]:
    """Return the networks one by one; a single one may itself be iterable, over its layers or weights."""
    torch = sys.modules.get("torch")
    single: tuple[type, ...] = (PLNetwork, Mapping)
    if torch is not None and not isinstance(networks, torch.nn.ModuleList):
        single = (*single, torch.nn.Module)
    if isinstance(networks, single):
        return [networks]
    if not isinstance(networks, Iterable) or isinstance(networks, str):
        raise NetworkError(
            f"Expected networks, such as a list of modules, got {type(networks).__name__} {networks!r}."
        )
    return list(networks)


def _run(
    task: _Task, given: list[Any], n_jobs: int, report: Report | None
) -> list[RegionCount | Exception | None]:
    """Give each network to a thread; after Ctrl-C, wait for those that run to stop."""
    found: list[RegionCount | Exception | None] = [None] * len(given)
    with ThreadPoolExecutor(max(1, min(n_jobs, len(given)))) as pool:
        futures: dict[Future, int] = {pool.submit(task, network): i for i, network in enumerate(given)}
        waiting = set(futures)
        try:
            while waiting:
                _, waiting = wait(waiting, timeout=_POLL, return_when=FIRST_COMPLETED)
                if report is not None:
                    report(len(given) - len(waiting))
        except KeyboardInterrupt:
            # A second Ctrl-C ends the call; the first one lets every thread give what it knows.
            pass
        finally:
            task.stop.set()
    for future, i in futures.items():
        found[i] = future.result()
    return found


@dataclass(frozen=True)
class _Task:
    """How each network is counted, and the one event that stops all of them."""

    domain: Domain | None
    module: Any
    definition: str
    engine: Any
    budget: Budget
    deadline: Deadline
    stop: threading.Event = field(default_factory=threading.Event)
    reading: threading.Lock = field(default_factory=threading.Lock)

    def __call__(self, network: Any) -> RegionCount | Exception | None:
        """Count one network; None if there is no time left for it."""
        if self.stop.is_set() or self.deadline.passed:
            return None
        try:
            with self.deadline.running():
                return count_regions(
                    _built(network, self.module, self.reading),
                    self.domain,
                    definition=self.definition,
                    engine=self.engine,
                    max_regions=self.budget.max_regions,
                    max_seconds=self.budget.max_seconds,
                    progress=self._check,
                )
        except STOPS:
            return None
        except Exception as error:  # Whatever is wrong with one network, the others go on.
            return error

    def _check(self, _: int) -> None:
        if self.stop.is_set():
            raise KeyboardInterrupt  # Engines stop at it and give what they know.


def _built(network: Any, module: Any, reading: threading.Lock) -> Any:
    """Read one network; modules must not be copied while another thread traces one (see `as_network`)."""
    if isinstance(network, PLNetwork):
        return network
    from plnet.ir.reading.ingest import as_network

    with reading:
        return as_network(_with_state(network, module))


def _with_state(network: Any, module: Any) -> Any:
    if not isinstance(network, Mapping):
        return network
    if module is None:
        raise NetworkError(
            "Got a state dict without an architecture. Give the module it belongs to: "
            "count_many(state_dicts, domain, module=...)."
        )
    own = deepcopy(module)
    try:
        own.load_state_dict(network)
    except (RuntimeError, KeyError, TypeError) as error:
        raise NetworkError(f"The state dict does not fit the module: {error}") from error
    return own


class _SharedChart(Domain):
    """A domain that makes its chart once for all networks with as many inputs."""

    def __init__(self, domain: Domain) -> None:
        if not isinstance(domain, Domain):
            raise DomainError(f"Expected a domain such as plnet.Box(-1, 1), got {type(domain).__name__}.")
        self._domain = domain
        self._charts: dict[int, Chart] = {}

    @property
    def dim(self) -> int | None:
        """Dimension of the domain."""
        return self._domain.dim

    def chart(self, input_dim: int) -> Chart:
        """Return the domain for a network with `input_dim` inputs."""
        if input_dim not in self._charts:
            self._charts[input_dim] = self._domain.chart(input_dim)
        return self._charts[input_dim]
