"""Tropical polynomials against convex hulls of an independent program."""

import itertools
from fractions import Fraction

import numpy as np
import pytest
import torch
from scipy.spatial import ConvexHull
from torch import nn

import plnet
from plnet.ir import as_network
from plnet.maxout import MaxAffine, TropicalPolynomial, tropical_form


def random_polynomial(rng, d, k):
    exponents = np.unique(rng.integers(-5, 6, size=(k, d)), axis=0)
    # A generic lift: every cell of the subdivision is a simplex.
    return TropicalPolynomial(MaxAffine(exponents, rng.integers(-(10**6), 10**6, size=len(exponents))))


def lifted(polynomial):
    return np.column_stack([polynomial.exponents, polynomial.coefficients]).astype(float)


def upper_simplices(points):
    """Return the facets of the upper hull, which scipy triangulates."""
    hull = ConvexHull(points)
    return hull.simplices[hull.equations[:, -2] > 0]


@pytest.mark.parametrize("d", [1, 2, 3])
@pytest.mark.parametrize("seed", range(3))
def test_subdivision_is_the_upper_hull(d, seed):
    polynomial = random_polynomial(np.random.default_rng(seed), d, 12)
    simplices = upper_simplices(lifted(polynomial))
    faces = [
        {
            tuple(sorted(part))
            for simplex in simplices.tolist()
            for part in itertools.combinations(simplex, k + 1)
        }
        for k in range(d + 1)
    ]
    found = polynomial.dual_subdivision
    assert set(found.vertices) == {vertex for (vertex,) in faces[0]}
    assert found.counts == tuple(map(len, faces))
    assert sum((-1) ** k * n for k, n in enumerate(found.counts)) == 1
    polytope = polynomial.newton_polytope
    assert polytope.dim == d
    if d > 1:
        assert set(polytope.vertices) == set(ConvexHull(lifted(polynomial)[:, :-1]).vertices.tolist())
    else:
        assert set(polytope.vertices) == {0, len(polynomial.exponents) - 1}


def test_interior_cells_are_bounded_faces():
    # A square with its centre lifted: four triangles around one interior vertex.
    square = TropicalPolynomial(MaxAffine([[0, 0], [2, 0], [0, 2], [2, 2], [1, 1]], [0, 0, 0, 0, 1]))
    assert square.newton_polytope.vertices == (0, 1, 2, 3)
    assert square.dual_subdivision.counts == (5, 8, 4)
    assert square.dual_subdivision.interior == (1, 4, 4)
    assert square.dual_subdivision.vertices == (0, 1, 2, 3, 4)


def test_flat_newton_polytopes():
    line = TropicalPolynomial(MaxAffine([[0, 0], [1, 2], [2, 4]], [0, 1, 0]))
    assert line.newton_polytope.dim == 1
    assert line.newton_polytope.vertices == (0, 2)
    assert line.dual_subdivision.counts == (3, 2)
    point = TropicalPolynomial(MaxAffine([[1, 1]], [0]))
    assert point.newton_polytope.dim == 0
    assert point.dual_subdivision.counts == (1,)


def test_terms_that_are_never_the_greatest():
    polynomial = TropicalPolynomial(MaxAffine([[-1], [0], [1], [1]], [0, -1, 0, -2]))
    assert polynomial.dual_subdivision.vertices == (0, 2)
    assert len(polynomial.hypersurface()) == 2


def test_rational_exponents():
    polynomial = TropicalPolynomial(
        MaxAffine([[Fraction(1, 3)], [Fraction(2, 3)], [Fraction(1, 2)]], [0, 0, 1])
    )
    assert polynomial.newton_polytope.vertices == (0, 1)
    assert polynomial.dual_subdivision.vertices == (0, 1, 2)


def test_a_network_as_a_quotient():
    torch.manual_seed(1)
    module = nn.Sequential(nn.Linear(2, 4), nn.ReLU(), nn.Linear(4, 1)).double()
    form = tropical_form(module)
    network = as_network(module)
    rng = np.random.default_rng(0)
    points = np.array(
        [[Fraction(int(x), 7) for x in row] for row in rng.integers(-30, 30, size=(20, 2))], dtype=object
    )
    quotient = form.numerator.function(points, exact=True) - form.denominator.function(points, exact=True)
    assert (network.evaluate(points, exact=True)[:, 0] == quotient).all()
    # Zonotopes: one hidden unit with a positive weight adds a segment to the numerator, the others to
    # the denominator. In the plane a zonogon of s segments has 2 s vertices and 1 + s + s (s - 1) / 2 terms.
    positive = int((module[2].weight > 0).sum())
    for polynomial, segments in ((form.numerator, positive), (form.denominator, 4 - positive)):
        assert len(polynomial.newton_polytope.vertices) == max(2 * segments, 1) if segments != 1 else 2
        assert len(polynomial.exponents) == 1 + segments + segments * (segments - 1) // 2
    walls = plnet.count_regions(polynomial.function.to_network())
    assert walls == len(polynomial.dual_subdivision.vertices)
