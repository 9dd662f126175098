"""Exact cells of any dimension: against hand counts, closed formulas, scipy and the planar cells."""

from fractions import Fraction
from itertools import product
from math import comb, factorial

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.spatial import ConvexHull

from plnet.errors import DomainError
from plnet.geometry.cells import domain_cell, signs, split, whole_space
from plnet.geometry.domain import Box, Polytope
from plnet.geometry.exact import rational
from plnet.geometry.homogeneous import value
from plnet.geometry.linear import determinant
from plnet.geometry.polyhedron import Polyhedron, whole_polyhedron


def cut(cell, form, name=0):
    """Return the parts of a cell below and above a form, None where there is none."""
    at = signs(form, cell)
    if 1 in at and -1 in at:
        return split(cell, form, (0, name, 0, 1), at)
    return (None, cell) if 1 in at else (cell, None)


def keep_above(cell, form, name=0):
    return cut(cell, form, name)[1]


def cube(d, low=-1, high=1):
    return domain_cell(Box(low, high).chart(d).facets)


@pytest.mark.parametrize("d", [3, 4, 5, 6])
def test_cube_has_its_vertices_facets_and_volume(d):
    cell = cube(d)
    assert sorted(v[:-1] for v in cell.vertices) == sorted(product((-1, 1), repeat=d))
    assert len(cell.facets) == 2 * d
    assert cell.bounded
    assert cell.volume() == 2**d
    assert all(mask.bit_count() == d for mask in cell.tight)


@pytest.mark.parametrize("d", [3, 4, 5])
def test_cross_polytope_is_not_simple(d):
    cell = whole_space(d)
    for k, row in enumerate(product((-1, 1), repeat=d)):
        cell = keep_above(cell, (*row, 1), k)
    assert len(cell.vertices) == 2 * d
    assert len(cell.facets) == 2**d
    assert all(mask.bit_count() == 2 ** (d - 1) for mask in cell.tight)
    assert cell.volume() == Fraction(2**d, factorial(d))


@pytest.mark.parametrize(("d", "n"), [(3, 7), (4, 7), (4, 9)])
def test_cyclic_polytopes_attain_the_upper_bound_theorem(d, n):
    # Polars of cyclic polytopes: facets a_t . x <= 1 with a_t on the moment curve, moved around 0.
    points = [[Fraction(t) ** k for k in range(1, d + 1)] for t in range(n)]
    centre = [sum(column) / n for column in zip(*points, strict=True)]
    rows = [[c - x for x, c in zip(point, centre, strict=True)] + [Fraction(1)] for point in points]
    cell = domain_cell(rational(np.array(rows, dtype=object)))
    half = d // 2
    expected = 2 * comb(n - half - 1, half) if d % 2 else comb(n - half, half) + comb(n - half - 1, half - 1)
    assert len(cell.vertices) == expected
    assert len(cell.facets) == n


def test_whole_space_halfspaces_and_lines():
    cell = whole_polyhedron(4)
    assert len(cell.lines) == 4
    below, above = cut(cell, (1, 2, 0, 0, -3))
    assert len(above.lines) == len(below.lines) == 3
    assert not above.bounded
    assert value((1, 2, 0, 0, -3), (*above.witness(), 1)) > 0 > value((1, 2, 0, 0, -3), (*below.witness(), 1))
    slab = keep_above(above, (-1, -2, 0, 0, 5))
    assert len(slab.lines) == 3
    # Both sides are facets; what lies at infinity is spanned by lines alone.
    assert [facet for facet in slab.facets if facet[0] == 0] == [(0, 0, 0, 1)] * 2
    with pytest.raises(DomainError, match="unbounded"):
        slab.volume()


def test_empty_and_flat_domains_are_refused():
    with pytest.raises(DomainError, match="empty or flat"):
        domain_cell(Polytope(np.vstack([np.eye(3), -np.eye(3)]), [0, 1, 1, 0, 0, 0]).chart(3).facets)
    with pytest.raises(DomainError, match="empty or flat"):
        domain_cell(Polytope(np.vstack([np.eye(3), -np.eye(3)]), [0, 1, 1, -1, 0, 0]).chart(3).facets)


def test_redundant_inequalities_are_no_facets():
    cell = cube(3)
    for row in [(1, 0, 0, 1), (1, 1, 0, 2), (1, 1, 1, 3), (1, 1, 1, 4)]:
        assert set(signs(row, cell)) <= {0, 1}
    # A cut, and then one that makes the first one redundant: it must be dropped.
    once = keep_above(cell, (-2, 0, 0, 1), 1)
    twice = keep_above(once, (-1, 0, 0, 0), 2)
    assert [facet for facet in twice.facets if facet[0] == 0] == [(0, 2, 0, 1)]
    assert twice.volume() == 4


small = st.integers(-3, 3)


@st.composite
def cuts(draw, d, most=7):
    forms = draw(st.lists(st.tuples(*[small] * (d + 1)), min_size=1, max_size=most))
    return [form for form in forms if any(form[:-1])]


@given(st.data(), st.integers(3, 4))
def test_parts_tile_and_agree_with_qhull(data, d):
    cells = [cube(d)]
    for k, form in enumerate(data.draw(cuts(d, 4))):
        cells = [part for cell in cells for part in cut(cell, form, k) if part is not None]
    assert sum(cell.volume() for cell in cells) == 2**d
    for cell in cells:
        points = np.array([[x / v[-1] for x in v[:-1]] for v in cell.vertices], dtype=float)
        hull = ConvexHull(points)
        assert hull.volume == pytest.approx(float(cell.volume()), rel=1e-9)
        # Every point is a corner, every facet a facet.
        assert len(hull.vertices) == len(points)
        assert len({tuple(np.round(row, 6) + 0.0) for row in hull.equations}) == len(cell.facets)


@given(st.data(), st.booleans())
def test_incidence_is_complete_and_rays_are_extreme(data, bounded):
    d = 3
    cell = cube(d) if bounded else whole_polyhedron(d)
    for k, form in enumerate(data.draw(cuts(d))):
        cell = next(part for part in cut(cell, form, k)[:: data.draw(st.sampled_from([1, -1]))] if part)
    for vertex, mask in zip(cell.vertices, cell.tight, strict=True):
        on = [value(form, vertex) == 0 for form in cell.forms]
        assert on == [bool(mask >> k & 1) for k in range(len(on))]
        rows = [form for form, there in zip(cell.forms, on, strict=True) if there]
        if len(rows) or d - len(cell.lines):
            rank = np.linalg.matrix_rank(np.array(rows, dtype=float)) if rows else 0
            assert rank == d - len(cell.lines)
    for line in cell.lines:
        assert all(value(form, line) == 0 for form in cell.forms)


@given(st.data(), st.booleans())
def test_planar_cells_and_polyhedra_agree_in_the_plane(data, bounded):
    planar = [cube(2)] if bounded else [whole_space(2)]
    general = [whole_polyhedron(2)]
    if bounded:
        for i, row in enumerate(Box(-1, 1).chart(2).facets.integers.tolist()):
            general = [keep_above(general[0], tuple(row), i)]
    for k, form in enumerate(data.draw(cuts(2))):
        planar = [part for cell in planar for part in cut(cell, form, k) if part is not None]
        general = [part for cell in general for part in cut(cell, form, k) if part is not None]
    assert all(isinstance(cell, Polyhedron) for cell in general)
    assert len(planar) == len(general)
    if bounded:
        assert sorted(cell.volume() for cell in planar) == sorted(cell.volume() for cell in general)


@given(st.lists(st.lists(st.integers(-9, 9), min_size=4, max_size=4), min_size=4, max_size=4))
def test_determinant_agrees_with_the_leibniz_formula(rows):
    from itertools import permutations

    total = 0
    for order in permutations(range(4)):
        inversions = sum(order[i] > order[j] for i in range(4) for j in range(i + 1, 4))
        term = (-1) ** inversions
        for i, j in enumerate(order):
            term *= rows[i][j]
        total += term
    assert determinant(rows) == total
