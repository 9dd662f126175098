"""Normal forms of exact cells, and common zeros of forms on their faces."""

import numpy as np
import oracle_brute
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import plnet
from plnet.geometry.cells import domain_cell, signs, split, whole_space
from plnet.regions.cells.bodies import body_of, faces_of
from plnet.regions.definitions.slices import vanish_together

SEEDS = st.integers(0, 2**32 - 1)


def cut(cell, *forms):
    """Keep the part of a cell where all forms are positive."""
    for k, form in enumerate(forms):
        at = signs(form, cell)
        if -1 in at:
            cell = split(cell, form, (0, k, 0, 1), at)[1]
    return cell


def body(d, *forms):
    """Return the set where all forms are at least 0."""
    rows = np.array(forms, dtype=object).reshape(-1, d + 1)
    domain = plnet.Polytope(-rows[:, :-1], rows[:, -1]) if forms else plnet.Space(d)
    return body_of(domain_cell(domain.chart(d).facets))


@pytest.mark.parametrize(
    ("d", "forms", "lines", "faces"),
    [
        (1, [], 1, 1),
        (1, [(1, 0)], 0, 2),
        (1, [(1, 0), (-1, 1)], 0, 3),
        (2, [], 2, 1),
        (2, [(1, 2, 3)], 1, 2),
        (2, [(1, 1, 0), (-1, -1, 5)], 1, 3),
        (2, [(1, 0, 0), (0, 1, 0)], 0, 4),
        (2, [(1, 0, 0), (0, 1, 0), (0, -1, 1)], 0, 6),
        (2, [(1, 0, 0), (0, 1, 0), (-1, -1, 1)], 0, 7),
        (2, [(1, 0, 1), (0, 1, 1), (-1, 0, 1), (0, -1, 1)], 0, 9),
        (3, [], 3, 1),
        (3, [(1, 1, 1, 0)], 2, 2),
        (3, [(1, 0, 0, 0), (0, 1, 0, 0)], 1, 4),
        (3, [(1, 0, 0, 0), (0, 1, 0, 0), (0, 0, 1, 0)], 0, 8),
        (3, [(1, 0, 0, 0), (0, 1, 0, 0), (0, 0, 1, 0), (-1, -1, -1, 1)], 0, 15),
        # A cube has 8 vertices, 12 edges, 6 sides and itself; a pyramid over a square 5, 8, 5, 1.
        (3, [(1, 0, 0, 0), (-1, 0, 0, 1), (0, 1, 0, 0), (0, -1, 0, 1), (0, 0, 1, 0), (0, 0, -1, 1)], 0, 27),
        (3, [(0, 0, 1, 0), (1, 0, -1, 1), (-1, 0, -1, 1), (0, 1, -1, 1), (0, -1, -1, 1)], 0, 19),
    ],
)
def test_faces_of_polyhedra(d, forms, lines, faces):
    found = body(d, *forms)
    assert len(found.lines) == lines
    assert len(found.forms) == len(forms)
    assert len(faces_of(found)) == faces
    for generator, mask in zip(found.generators, found.tight, strict=True):
        values = [sum(a * x for a, x in zip(form, generator, strict=True)) for form in found.forms]
        assert min(values, default=0) >= 0
        assert [bool(mask >> k & 1) for k in range(len(values))] == [v == 0 for v in values]
        assert bool(mask & found.infinity) == (generator[-1] == 0)


def test_points_inside_an_edge_are_dropped():
    # A half-plane keeps a point on its wall, which is no vertex once another wall cuts it elsewhere.
    quadrant = body_of(cut(whole_space(2), (0, 1, 0), (1, 0, -3)))
    assert quadrant.generators == ((0, 1, 0), (1, 0, 0), (3, 0, 1))


def test_neighbours_have_the_same_generators_on_a_common_face():
    # Along the line x + y = 0 modulo the lines of the cells, whatever point each of them keeps.
    left, right = split(whole_space(2), (1, 1, 0), (0, 0, 0, 1), [1, -1])
    parts = [body_of(cut(left, (-1, -1, 4))), body_of(cut(right, (-1, -1, 7)))]
    shared = [{g for g in p.generators if g[0] + g[1] == 0 and g[2]} for p in parts]
    assert shared[0] == shared[1] != set()


WEDGE = ((0, 1, 0), (1, 0, 0))


def test_common_zeros_on_an_unbounded_face():
    quadrant = body(2, *WEDGE)
    axis = next(1 << k for k, form in enumerate(quadrant.forms) if form == (0, 1, 0))  # y = 0, x >= 0
    assert vanish_together([(1, 0, -5)], quadrant, axis)
    assert not vanish_together([(1, 0, 5)], quadrant, axis)
    # Constant along the direction, and not zero at the end.
    assert not vanish_together([(0, 1, 1)], quadrant, axis)
    assert not vanish_together([(0, 1, -1)], quadrant, axis)
    assert vanish_together([(0, 1, 0)], quadrant, axis)
    assert vanish_together([(1, 0, -5), (2, 3, -10)], quadrant, axis)
    assert not vanish_together([(1, 0, -5), (1, 0, -6)], quadrant, axis)
    assert not vanish_together([(1, 0, 5), (0, 1, 0)], quadrant, axis)
    # The same facet with a point inside it.
    cell = body_of(cut(whole_space(2), (0, 1, 0), (1, 0, 3)))
    axis = next(1 << k for k, form in enumerate(cell.forms) if form == (0, 1, 0))
    for root in (-3, -1, 0, 2):
        assert vanish_together([(1, 0, -root), (3, 1, -3 * root)], cell, axis)
    assert not vanish_together([(1, 0, 4), (3, 1, 12)], cell, axis)


def test_common_zeros_on_a_face_with_lines():
    plane = body(3, (0, 0, 1, 0))
    assert vanish_together([(1, 0, 0, -1), (0, 1, 0, 2)], plane, 1)
    assert vanish_together([(1, 1, 0, 5)], plane, 1)
    assert not vanish_together([(1, 1, 0, 5), (1, 1, 0, 6)], plane, 1)
    assert not vanish_together([(0, 0, 1, 1)], plane, 1)
    assert not vanish_together([(1, 0, 0, 0), (0, 1, 0, 0), (0, 0, 1, 1)], plane, 1)


@given(SEEDS, st.integers(2, 3), st.integers(1, 3))
@settings(max_examples=60)
def test_common_zeros_agree_with_elimination(seed, d, n):
    rng = np.random.default_rng(seed)
    walls = [(*row, 3) for row in rng.integers(-3, 4, size=(int(rng.integers(1, 6)), d)).tolist() if any(row)]
    found = body(d, *walls)
    forms = [tuple(row) for row in rng.integers(-2, 3, size=(n, d + 1)).tolist()]
    for face in faces_of(found):
        system = [(form, False) for form in found.forms]
        system += [(negative(form), False) for k, form in enumerate(found.forms) if face >> k & 1]
        system += [(sign, False) for form in forms for sign in (form, negative(form))]
        assert vanish_together(forms, found, face) == oracle_brute.solvable(system)


def negative(form):
    return tuple(-x for x in form)
