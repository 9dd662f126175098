"""Any piecewise-linear network with ReLU as its only nonlinearity; numbers only."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from fractions import Fraction

from plnet.ir.layers import Affine, GroupMax, Layer, ScalarPWL
from plnet.ir.network import PLNetwork
from plnet.ir.network_checks import require_continuous
from plnet.maxout.conversion.rational_layers import Row, exact_affine
from plnet.maxout.conversion.scalar_units import ScalarFunction, scalar_functions

__all__ = ["relu_network", "relu_terms"]

_ONE = Fraction(1)


def relu_network(network: PLNetwork) -> PLNetwork:
    """Return the same function with ReLU as its only nonlinearity, exactly.

    Parameters
    ----------
    network : PLNetwork

    Returns
    -------
    PLNetwork
        A maximum of k values takes ceil(log2 k) layers of ReLUs, three for each pair and two for each
        value that waits; a scalar function with q kinks at most q + 1 ReLUs.

    Raises
    ------
    EngineError
        If the network can jump.
    NetworkError
        If a difference of slopes is beyond the range of floats.
    """
    require_continuous(network, "A conversion to ReLU")
    layers: list[Layer] = []
    for layer in network.layers:
        if isinstance(layer, ScalarPWL):
            layers += _scalar(layer)
        elif isinstance(layer, GroupMax):
            layers += _maximum(layer)
        else:
            layers.append(layer)
    return PLNetwork(tuple(layers), network.input_dim, network.input_shape)


def _scalar(layer: ScalarPWL) -> Sequence[Layer]:
    functions = scalar_functions(layer)
    if all(_is_relu(function) for function in functions):
        # Breakpoints at which nothing changes are left out.
        return [ScalarPWL.relu(layer.n_units, layer.name)]
    features: list[Row] = []
    outputs: list[Row] = []
    for unit, kind in enumerate(layer.kinds[1].tolist()):
        terms, constant = relu_terms(functions[kind])
        begin = len(features)
        # The feature of a kink t is relu(z - t), or relu(t - z) on its left.
        features += [Row({unit: side}, -side * kink) for side, kink, _ in terms]
        outputs.append(Row({begin + i: factor for i, (_, _, factor) in enumerate(terms)}, constant))
    return _relu_block(features, outputs, layer.n_units, layer.name)


def _is_relu(function: ScalarFunction) -> bool:
    return function.kinks == (0,) and function.slopes == (0, 1) and function.intercepts == (0, 0)


def relu_terms(function: ScalarFunction) -> tuple[list[tuple[int, Fraction, Fraction]], Fraction]:
    """Return a function of one variable as a sum of ReLUs.

    Returns
    -------
    terms : list of (side, kink, factor)
        ``factor * relu(side * (z - kink))``.
    constant : Fraction
    """
    kinks, slopes = function.kinks, function.slopes
    if not kinks:
        terms = [(1, Fraction(0), slopes[0]), (-1, Fraction(0), -slopes[0])]
        return terms, function.intercepts[0]
    terms = [(-1, kinks[0], -slopes[0]), (1, kinks[0], slopes[1])]
    terms += [(1, kink, jump) for kink, jump in zip(kinks[1:], function.jumps[1:], strict=True)]
    used = [term for term in terms if term[2]]
    return used, function(kinks[0])


def _maximum(layer: GroupMax) -> Sequence[Layer]:
    """Let the members of each group meet in pairs, as in a tournament."""
    values = [[Row({member: _ONE}) for member in dict.fromkeys(group)] for group in layer.groups.tolist()]
    n_in, found = layer.n_in, []
    while any(len(group) > 1 for group in values):
        features: list[Row] = []
        values = [_round(group, features) for group in values]
        found += exact_affine(features, n_in, layer.name)
        found.append(ScalarPWL.relu(len(features), layer.name))
        n_in = len(features)
    return [*found, *exact_affine([group[0] for group in values], n_in, layer.name)]


def _round(values: Sequence[Row], features: list[Row]) -> list[Row]:
    """Append the ReLUs of one round, and return the winners: max(a, b) = a + relu(b - a)."""
    winners = []
    for i in range(0, len(values), 2):
        begin = len(features)
        features += [values[i], _combined(values[i], -1)]
        weights = {begin: _ONE, begin + 1: -_ONE}
        if i + 1 < len(values):
            features.append(_combined(values[i], -1, values[i + 1]))
            weights[begin + 2] = _ONE
        winners.append(Row(weights))
    return winners


def _combined(row: Row, factor: int, other: Row | None = None) -> Row:
    """Return ``factor * row + other``, of rows without a constant."""
    weights: Mapping[int, Fraction | int] = {} if other is None else other.weights
    out = dict(weights)
    for place, weight in row.weights.items():
        out[place] = out.get(place, 0) + factor * weight
    return Row({place: weight for place, weight in out.items() if weight})


def _relu_block(features: Sequence[Row], outputs: Sequence[Row], n_in: int, name: str) -> list[Layer]:
    if not features:
        return list(exact_affine(outputs, n_in, name))
    before: Sequence[Affine] = exact_affine(features, n_in, name)
    after: Sequence[Affine] = exact_affine(outputs, len(features), name)
    return [*before, ScalarPWL.relu(len(features), name), *after]
