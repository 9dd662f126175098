"""Search for a point where a network is not 0: many points in floating point, a few of them exactly."""

from __future__ import annotations

import math
from fractions import Fraction

import numpy as np

from plnet.equivalence.deviation import Deviation, embedded
from plnet.equivalence.recession import recession_chart, recession_network
from plnet.equivalence.sampling import directions, points
from plnet.geometry.domain import Chart
from plnet.geometry.exact import object_array
from plnet.ir.network import PLNetwork

__all__ = ["exact_deviation", "search_ray", "search_witness"]

_POINTS, _EXACT, _FARTHEST = 1024, 4, 64


def search_witness(network: PLNetwork, chart: Chart, rng: np.random.Generator) -> Deviation | None:
    """Return a point of the domain where an output is not 0, with its exact value there.

    Parameters
    ----------
    network : PLNetwork
    chart : Chart
    rng : Generator

    Returns
    -------
    Deviation or None
        The largest of a few exact values; None says nothing about the network.
    """
    coordinates = points(chart, _POINTS, rng)
    return _best(network, chart, _short(coordinates), coordinates)


def search_ray(
    network: PLNetwork, chart: Chart, witness: Deviation | None, rng: np.random.Generator
) -> Deviation | None:
    """Return a direction of the domain along which an output runs to infinity, or None if none was met.

    Parameters
    ----------
    network : PLNetwork
    chart : Chart
    witness : Deviation, optional
        A point where an output is not 0; looked for along the ray if not given.
    rng : Generator
    """
    drawn = directions(chart, _POINTS, rng)
    if not len(drawn):
        return None
    found = _best(recession_network(network), recession_chart(chart), drawn)
    if found is None:
        return None
    ray = _shortest(found.point)
    for power in range(_FARTHEST if witness is None else 0):
        start = points(chart, 1, rng)[0].tolist()
        step = Fraction(1 << power)
        origin = embedded(chart.embedding, (*map(Fraction, start), Fraction(1)))
        seen = exact_deviation(network, tuple(x + step * r for x, r in zip(origin, ray, strict=True)))
        if seen.value and chart.contains(tuple(map(Fraction, start))):
            witness = seen
            break
    return None if witness is None else Deviation(math.inf, witness.output, witness.point, ray)


def _best(network: PLNetwork, chart: Chart, *choices: np.ndarray) -> Deviation | None:
    """Evaluate rows exactly where the rounded outputs are largest; later choices replace rows outside."""
    rows = choices[0]
    sizes = np.abs(network.evaluate(chart.embed(rows))).max(axis=1, initial=0.0)
    best: Deviation | None = None
    for row in np.argsort(-sizes, kind="stable")[:_EXACT].tolist():
        inside = (tuple(map(Fraction, choice[row].tolist())) for choice in choices)
        point = next((t for t in inside if chart.contains(t)), None)
        if point is None:
            continue
        found = exact_deviation(network, _embedded(chart, point))
        if found.value and (best is None or found.value > best.value):
            best = found
    return best


def _shortest(direction: tuple[Fraction, ...]) -> tuple[Fraction, ...]:
    """Return coprime integers of the same direction."""
    common = math.lcm(*(x.denominator for x in direction))
    whole = [int(x * common) for x in direction]
    divisor = math.gcd(*whole)
    return tuple(Fraction(x // divisor) for x in whole)


def exact_deviation(network: PLNetwork, point: tuple[Fraction, ...]) -> Deviation:
    """Return the largest absolute output at an exact input."""
    values = network.evaluate(object_array(list(point), (1, len(point))), exact=True)[0]
    output = max(range(len(values)), key=lambda k: abs(values[k]))
    return Deviation(abs(values[output]), output, point)


def _embedded(chart: Chart, coordinates: tuple[Fraction, ...]) -> tuple[Fraction, ...]:
    return embedded(chart.embedding, (*coordinates, Fraction(1)))


def _short(coordinates: np.ndarray) -> np.ndarray:
    """Round to few binary digits, so that exact values stay readable."""
    return np.rint(coordinates * 4096.0) / 4096.0
