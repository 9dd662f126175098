"""One count of a job: the regions, the decision boundary, and why it stopped."""

from __future__ import annotations

import logging
import threading
import time
from dataclasses import dataclass
from typing import Any

import numpy as np

from plnet.errors import DimensionError, IncompleteResultError, PLNetError
from plnet.geometry.domain import Box, Domain
from plnet.ir.layers import Affine, ScalarPWL
from plnet.ir.network import PLNetwork
from plnet.regions.api import enumerate_regions
from plnet.regions.complex import RegionComplex
from plnet.runs.config.options import CountingOptions

__all__ = ["Counted", "count", "count_again", "load_engine"]

logger = logging.getLogger(__name__)

_PATIENCE = 2.0
"""Seconds after which the user is told that an engine is being loaded."""


@dataclass(frozen=True, eq=False)
class Counted:
    """A counted network.

    Parameters
    ----------
    complex_ : RegionComplex
        Possibly not complete.
    boundary : DecisionBoundary, optional
        None where the count, or the boundary itself, is not complete.
    seconds_boundary : float
        Wall time of the boundary.
    stopped_by : str
        "max_regions", "max_seconds", "Ctrl-C", or empty.
    """

    complex_: RegionComplex
    boundary: Any
    seconds_boundary: float
    stopped_by: str

    def metrics(self, suffix: str = "") -> dict[str, Any]:
        """Return the numbers as flat scalars, with a suffix to each name."""
        found, boundary = self.complex_, self.boundary
        # On a line the boundary is a set of points, and its "length" their number.
        what = "boundary_points" if found.dim == 1 else "boundary_length"
        values = {
            "regions": len(found),
            "exact": found.exact,
            "complete": found.complete,
            "stopped_by": self.stopped_by,
            "n_undecided": found.n_undecided,
            "n_fallbacks": found.n_fallbacks,
            what: None if boundary is None else int(boundary.length) if found.dim == 1 else boundary.length,
            "boundary_pieces": None if boundary is None else len(boundary),
            "seconds_counting": found.seconds,
            "seconds_boundary": self.seconds_boundary,
        }
        return {f"{key}{suffix}": value for key, value in values.items()}


def count(
    network: PLNetwork, domain: Domain, options: CountingOptions, *, rng: Any, progress: Any
) -> Counted:
    """Count the regions of a network on a domain, and measure its decision boundary.

    Raises
    ------
    PLNetError
        If network, domain and engine do not go together.
    """
    try:
        found = enumerate_regions(
            network,
            domain,
            engine=options.name,
            max_regions=options.max_regions,
            max_seconds=options.max_seconds,
            rng=rng,
            n_jobs=options.n_jobs,
            progress=progress,
        )
    except DimensionError as error:
        raise DimensionError(
            f"{error} In this job: domain=slice or domain=segment for images, "
            "domain=box for a network with one or two inputs, and an engine for that dimension."
        ) from error
    stopped, boundary, start = found.stopped_by or "", None, time.perf_counter()
    if not stopped:
        limit = options.max_seconds
        try:
            # What was enumerated just in time gets its boundary all the same, if that is quick.
            left = limit and max(limit - found.seconds, limit / 10)
            boundary = found.decision_boundary(max_seconds=left)
        except IncompleteResultError:
            stopped = "max_seconds"
        except KeyboardInterrupt:
            stopped = "Ctrl-C"
    return Counted(found, boundary, time.perf_counter() - start, stopped)


def count_again(found: RegionComplex, stopped_by: str = "") -> Counted:
    """Return what `count` returned, from the regions that were stored.

    Parameters
    ----------
    found : RegionComplex
    stopped_by : str
        Why the count stopped, if it did.
    """
    start = time.perf_counter()
    boundary = found.decision_boundary() if found.complete and not stopped_by else None
    return Counted(found, boundary, time.perf_counter() - start, stopped_by)


def load_engine(dim: int, options: CountingOptions) -> float:
    """Count something tiny, so that compiling an engine neither eats a budget nor counts as its time.

    Parameters
    ----------
    dim : int
        Dimension of the domain that will follow.
    options : CountingOptions

    Returns
    -------
    float
        Seconds; more than a few only at the first use on a machine.
    """
    from plnet.compiled import on_compilation

    # Two regions, whatever the dimension.
    tiny = PLNetwork((Affine(np.ones((1, dim)), np.zeros(1)), ScalarPWL.relu(1)), input_dim=dim)
    start = time.perf_counter()
    note = threading.Timer(_PATIENCE, logger.info, ["loading the engine"])
    note.daemon = True
    note.start()

    def say_so() -> None:
        note.cancel()
        logger.info("compiling the engine, once on this machine")

    try:
        with on_compilation(say_so):
            enumerate_regions(tiny, Box(-1, 1), engine=options.name, progress=None)
    except PLNetError:
        pass  # The real count says it better.
    finally:
        note.cancel()
    return time.perf_counter() - start
