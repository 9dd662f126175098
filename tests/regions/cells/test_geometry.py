"""Exact cells: splitting, volumes, witnesses, and the numbers below them."""

from __future__ import annotations

from fractions import Fraction
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from plnet.errors import DomainError, NetworkError
from plnet.geometry.cells import AT_INFINITY, Cell, domain_cell, signs, split, whole_space
from plnet.geometry.exact import RationalMatrix, rational, to_fractions
from plnet.geometry.linear import rank

small = st.integers(-6, 6)
lines = st.tuples(small, small, small).filter(lambda f: f[0] or f[1])
points = st.tuples(small, small.filter(bool))
fractions = st.fractions(min_value=-100, max_value=100, max_denominator=50)


def _value(form, point) -> Fraction:
    return sum((a * x for a, x in zip(form, (*point, 1), strict=True)), Fraction(0))


def _tile(cell: Cell, forms) -> list[Cell]:
    """Cut a cell and its parts by all forms that cross them."""
    parts = [cell]
    for i, form in enumerate(forms):
        done = []
        for part in parts:
            at = signs(form, part)
            if 1 in at and -1 in at:
                below, above = split(part, form, (0, i, 0, 1), at)
                assert 1 not in signs(form, below)
                assert -1 in signs(form, below)
                assert -1 not in signs(form, above)
                assert 1 in signs(form, above)
                assert _value(form, below.witness()) < 0 < _value(form, above.witness())
                done += [below, above]
            else:
                done.append(part)
        parts = done
    return parts


def _check_cell(cell: Cell) -> None:
    inside = cell.witness()
    assert len(cell.vertices) == len(cell.forms) == len(cell.facets)
    for form in cell.forms:
        at = signs(form, cell)
        side = _value(form, inside) if form != (0, 0, 1) else Fraction(1)
        assert side != 0
        assert (-1 if side > 0 else 1) not in at
    if cell.dim == 2:
        for i, form in enumerate(cell.forms):
            ends = cell.vertices[i], cell.vertices[(i + 1) % len(cell.vertices)]
            assert all(sum(a * x for a, x in zip(form, v, strict=True)) == 0 for v in ends)
            if cell.facets[i] == AT_INFINITY:
                assert ends[0][2] == ends[1][2] == 0


@given(st.lists(lines, max_size=7))
def test_parts_of_a_square_add_up(forms):
    square = domain_cell(rational([[1, 0, 2], [-1, 0, 3], [0, 1, 1], [0, -1, 2]]))
    parts = _tile(square, forms)
    assert sum(part.volume() for part in parts) == 15
    for part in parts:
        _check_cell(part)
        assert part.bounded
        assert part.volume() > 0


@given(st.lists(lines, max_size=7))
def test_parts_of_the_plane_are_as_many_as_the_flats_say(forms):
    parts = _tile(whole_space(2), forms)
    distinct = {_primitive(form) for form in forms}
    crossings: dict = {}
    for f in distinct:
        for g in distinct:
            w = f[0] * g[1] - f[1] * g[0]
            if f < g and w:
                point = (Fraction(f[1] * g[2] - f[2] * g[1], w), Fraction(f[2] * g[0] - f[0] * g[2], w))
                crossings.setdefault(point, set()).update([f, g])
    assert len(parts) == 1 + len(distinct) + sum(len(through) - 1 for through in crossings.values())
    for part in parts:
        if part.facets:
            _check_cell(part)


@given(st.lists(lines, min_size=1, max_size=5), st.integers(5, 60))
def test_unbounded_parts_meet_a_large_box_in_their_share(forms, reach):
    box = [(1, 0, reach), (-1, 0, reach), (0, 1, reach), (0, -1, reach)]
    total = Fraction(0)
    for part in _tile(whole_space(2), forms):
        for i, facet in enumerate(box):
            at = signs(facet, part)
            if 1 not in at:
                break
            if -1 in at:
                part = split(part, facet, (-1, i, -1, -1), at)[1]
        else:
            assert part.bounded
            total += part.volume()
    assert total == (2 * reach) ** 2


@given(st.lists(points, max_size=8))
def test_parts_of_the_line(roots):
    forms = [(b, -a) for a, b in roots]
    parts = _tile(whole_space(1), forms)
    distinct = {Fraction(a, b) for a, b in roots}
    assert len(parts) == len(distinct) + 1
    segment = domain_cell(rational([[1, 9], [-1, 9]]))
    pieces = _tile(segment, forms)
    assert sum(piece.volume() for piece in pieces) == 18
    witnesses = sorted(piece.witness()[0] for piece in pieces)
    for (a, b), root in zip(pairwise(witnesses), sorted(x for x in distinct if abs(x) < 9), strict=True):
        assert a < root < b


@given(st.lists(lines, min_size=3, max_size=7))
def test_domain_cell_is_the_intersection_of_its_facets(forms):
    try:
        cell = domain_cell(rational(np.array(forms, dtype=object)))
    except DomainError:
        return
    inside = cell.witness()
    assert all(_value(form, inside) > 0 for form in forms)
    for form in forms:
        assert -1 not in signs(form, cell)


def test_flat_and_empty_domains_name_the_facet():
    with pytest.raises(DomainError, match="facet 1"):
        domain_cell(rational([[1, 0, 0], [-1, 0, 0]]))
    with pytest.raises(DomainError, match="second"):
        domain_cell(rational([[1, 0, -1], [-1, 0, 0]]), ("first", "second"))


def test_unbounded_cells_have_no_volume():
    half = domain_cell(rational([[1, 0, 0]]))
    with pytest.raises(DomainError, match="unbounded"):
        half.volume()


def _primitive(form):
    g = np.gcd.reduce(form)
    sign = 1 if next(x for x in form if x) > 0 else -1
    return tuple(int(sign * x // g) for x in form)


@given(st.lists(st.lists(fractions, min_size=3, max_size=3), min_size=2, max_size=4))
def test_rational_matrices_compute_like_fractions(rows):
    a, b = rational(np.array(rows, dtype=object)), rational(np.array(rows, dtype=object).T)
    exact, other = np.array(rows, dtype=object), np.array(rows, dtype=object).T
    assert ((a @ b).to_fractions() == exact.dot(other)).all()
    assert ((a + a).to_fractions() == exact + exact).all()
    assert ((a - a).to_fractions() == 0).all()
    assert (a.reduced().to_fractions() == exact).all()
    assert a.rows([1, 0]).to_fractions().tolist() == [rows[1], rows[0]]
    np.testing.assert_array_equal(a.to_float(), exact.astype(float))


@given(st.lists(st.floats(allow_nan=False, allow_infinity=False), min_size=1, max_size=6))
def test_floats_are_kept_exactly(values):
    matrix = rational([values])
    assert matrix.to_fractions()[0].tolist() == [Fraction(v) for v in values]
    assert to_fractions(values).tolist() == [Fraction(v) for v in values]


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_only_finite_numbers_are_rational(value):
    with pytest.raises(NetworkError, match="finite"):
        rational([[1.0, value]])


def test_large_products_agree_with_and_without_flint(monkeypatch):
    rng = np.random.default_rng(0)
    a, b = rational(rng.normal(size=(9, 12))), rational(rng.normal(size=(12, 7)))
    product = (a @ b).to_fractions()
    assert (product == a.to_fractions().dot(b.to_fractions())).all()
    monkeypatch.setattr("plnet.geometry.exact._flint", lambda: None)
    plain = RationalMatrix(a.integers, a.denominator) @ RationalMatrix(b.integers, b.denominator)
    assert (plain.to_fractions() == product).all()


@given(st.lists(st.lists(small, min_size=4, max_size=4), min_size=1, max_size=5))
def test_rank(rows):
    assert rank(rational(rows)) == np.linalg.matrix_rank(np.array(rows, dtype=float))
