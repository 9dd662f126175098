"""A difference of convex functions, carried through the layers of a network region by region.

If z = g - h with convex g and h, then max(z, t) = max(g, h + t) - h, and both terms are convex again;
positive weights keep what they multiply, negative ones exchange g and h. On a region, where every
unit is in a known piece, all these functions are affine, so g and h have at most as many pieces as
the network has regions.

References
----------
Zhang, Naitzat and Lim (2018), "Tropical geometry of deep neural networks", section 5.
"""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction

import numpy as np

from plnet.geometry.exact import RationalMatrix, object_array, rational
from plnet.ir.forms import affine_forms
from plnet.ir.layers import Affine, GroupMax, ScalarPWL
from plnet.ir.network import PLNetwork
from plnet.maxout.convexity.layer_signs import reads, signed_part

__all__ = ["LayerDecomposition"]


@dataclass(frozen=True, eq=False)
class _State:
    """Values ``convex - rest`` as exact forms; where `affine`, the rest is 0."""

    convex: RationalMatrix
    rest: RationalMatrix
    affine: np.ndarray


class LayerDecomposition:
    """The maps of g and h on the regions of a network with ``network = g - h``.

    Regions that follow each other share the work of the layers in which they agree.

    Parameters
    ----------
    network : PLNetwork
        Continuous.
    embedding : RationalMatrix, shape (input_dim, d + 1)
        Inputs as forms in the coordinates of the domain.
    """

    def __init__(self, network: PLNetwork, embedding: RationalMatrix) -> None:
        self._network = network
        n = network.input_dim
        start = _State(embedding, _zeros(embedding.shape), np.ones(n, dtype=bool))
        self._path: list[tuple[bytes, _State]] = [(b"", start)]

    def maps(self, pattern: np.ndarray) -> tuple[RationalMatrix, RationalMatrix]:
        """Return the exact maps of g and h on one region, each of shape (m, d + 1)."""
        pieces = self._network.pieces_of(pattern)
        keys = [b"" if isinstance(layer, Affine) else next(pieces) for layer in self._network.layers]
        known = 0
        for key in keys:
            if known + 1 >= len(self._path) or self._path[known + 1][0] != _bytes(key):
                break
            known += 1
        del self._path[known + 1 :]
        for layer, key in zip(self._network.layers[known:], keys[known:], strict=True):
            state = self._path[-1][1]
            if isinstance(layer, Affine):
                after = _affine(layer, state)
            elif isinstance(layer, GroupMax):
                after = _maximum(layer, state, key)  # type: ignore[arg-type]
            else:
                after = _scalar(layer, state, key)  # type: ignore[arg-type]
            self._path.append((_bytes(key), after))
        last = self._path[-1][1]
        return last.convex.reduced(), last.rest.reduced()


def _bytes(key: bytes | np.ndarray) -> bytes:
    return key if isinstance(key, bytes) else key.tobytes()


def _affine(layer: Affine, state: _State) -> _State:
    curved_inputs = ~state.affine
    still_affine = ~(reads(layer, curved_inputs, 1) | reads(layer, curved_inputs, -1))
    straight, curved = _masked(state.convex, state.affine), _masked(state.convex, ~state.affine)
    positive, negative = signed_part(layer, 1), signed_part(layer, -1)
    convex = (
        affine_forms(layer, straight)
        + positive.multiply_exactly(curved)
        + negative.multiply_exactly(state.rest)
    )
    rest = positive.multiply_exactly(state.rest) + negative.multiply_exactly(curved)
    return _State(convex.reduced(), rest.reduced(), still_affine)


def _scalar(layer: ScalarPWL, state: _State, pieces: np.ndarray) -> _State:
    convex, rest = state.convex.to_fractions(), state.rest.to_fractions()
    new_convex, new_rest = convex * 0, rest * 0
    slopes, intercepts = layer.exact_slopes, layer.exact_intercepts
    affine = state.affine & (layer.n_pieces == 1)
    for unit, piece in enumerate(pieces.tolist()):
        steep = slopes[unit, : layer.n_pieces[unit]].tolist()
        points = [Fraction(t) for t in layer.breakpoints[unit, : len(steep) - 1].tolist()]
        # f(g - h) = s_0 g - s_q h + sum of jump * max(g, h + t), and a constant.
        terms = [(steep[0], convex[unit]), (-steep[-1], rest[unit])]
        constant = intercepts[unit, 0]
        bends = []
        for kink, (point, before, behind) in enumerate(zip(points, steep[:-1], steep[1:], strict=True)):
            bends.append((behind - before, convex[unit] if piece > kink else _shifted(rest[unit], point)))
            constant -= (behind - before) * point
        if state.affine[unit]:
            new_convex[unit] = sum(factor * form for factor, form in terms)
            terms = []
        for factor, form in [*terms, *bends]:
            if factor > 0:
                new_convex[unit] = new_convex[unit] + factor * form
            elif factor < 0:
                new_rest[unit] = new_rest[unit] - factor * form
        new_convex[unit, -1] += constant
    return _State(rational(new_convex), rational(new_rest), affine)


def _maximum(layer: GroupMax, state: _State, pieces: np.ndarray) -> _State:
    """max_j (g_j - h_j) = max_j (g_j + sum of the other h_i) - sum of all h_i."""
    common = state.convex.denominator * state.rest.denominator
    convex, rest = state.convex.over(common), state.rest.over(common)
    new_convex, new_rest = [], []
    for group, piece in zip(layer.groups.tolist(), pieces.tolist(), strict=True):
        winner = group[piece]
        total = rest[sorted(set(group))].sum(axis=0)
        new_rest.append(total)
        new_convex.append(convex[winner] + total - rest[winner])
    affine = state.affine[layer.groups].all(axis=1) & (layer.n_pieces == 1)
    shape = (layer.n_out, convex.shape[1])
    matrices = [object_array([x for row in rows for x in row], shape) for rows in (new_convex, new_rest)]
    return _State(
        RationalMatrix(matrices[0], common).reduced(), RationalMatrix(matrices[1], common).reduced(), affine
    )


def _shifted(form: np.ndarray, by: Fraction) -> np.ndarray:
    out = form.copy()
    out[-1] += by
    return out


def _masked(forms: RationalMatrix, kept: np.ndarray) -> RationalMatrix:
    """Return the forms with zeros instead of those that are not kept."""
    integers = forms.integers.copy()
    integers[~kept] = 0
    return RationalMatrix(integers, forms.denominator)


def _zeros(shape: tuple[int, int]) -> RationalMatrix:
    return RationalMatrix(object_array([0] * (shape[0] * shape[1]), shape))
