"""The decision boundary, also where it lies on a wall of a hidden unit."""

from __future__ import annotations

import math
from dataclasses import replace

import degenerate
import numpy as np
import pytest
from helpers import to_network

import plnet
from plnet.ir import Affine, PLNetwork, ScalarPWL
from plnet.regions import enumeration


def _two_units(last: Affine | None) -> PLNetwork:
    layers = (Affine([[1, 0], [-1, 0]], [0, 0]), ScalarPWL.relu(2))
    return PLNetwork(layers if last is None else (*layers, last), 2)


@pytest.mark.parametrize(
    "last",
    [Affine([[1, -1]], [0]), None, Affine([[1, 0]], [0]), Affine([[2, -2], [-1, 1]], [0, 0])],
    ids=["x", "relu(x), relu(-x)", "relu(x)", "2x, -x"],
)
def test_boundary_on_the_wall_of_a_hidden_unit(last):
    # In all four the class changes at x0 = 0, which is a wall of the hidden layer.
    boundary = plnet.enumerate_regions(_two_units(last), plnet.Box(-1, 1)).decision_boundary()
    assert boundary.length == pytest.approx(2.0)
    assert np.allclose(boundary.segments[:, :, 0], 0.0)
    assert boundary.classes.tolist() == [[0, 1]] * len(boundary)


def test_boundary_on_a_hidden_wall_in_one_dimension():
    network = PLNetwork((Affine([[1], [-1]], [0, 0]), ScalarPWL.relu(2), Affine([[1, -1]], [0])), 1)
    boundary = plnet.enumerate_regions(network, plnet.Box(-1, 1)).decision_boundary()
    assert boundary.segments.ravel().tolist() == [0.0, 0.0]


def test_boundary_at_a_corner_of_two_layers():
    # f = relu(x0) - relu(-x0) where x1 > 0 and x1-dependent elsewhere: sign(x0) decides everywhere.
    first = Affine([[1, 0], [-1, 0], [0, 1]], [0, 0, 0])
    second = Affine([[1, -1, 0], [-1, 1, 0]], [0, 0])
    network = PLNetwork((first, ScalarPWL.relu(3), second, ScalarPWL.relu(2), Affine([[1, -1]], [0])), 2)
    boundary = plnet.enumerate_regions(network, plnet.Box(-1, 1)).decision_boundary()
    assert boundary.length == pytest.approx(2.0)


@pytest.mark.parametrize("family", degenerate.FAMILIES)
def test_two_classes_on_a_connected_domain_have_a_boundary(family):
    rng = np.random.default_rng(11)
    for _ in range(12):
        layers, low, high = degenerate.draw_case(rng, family)
        network = to_network(layers)
        boundary = plnet.enumerate_regions(network, plnet.Box(low, high)).decision_boundary()
        classes = np.unique(boundary.refined.patterns[:, -1])
        assert (len(boundary) > 0) == (len(classes) > 1)
        if len(boundary) and network.output_dim == 1:
            ends = boundary.segments.reshape(-1, network.input_dim)
            assert np.allclose(network.evaluate(ends), 0.0, atol=1e-6 * (1 + np.abs(ends).max()))


def test_length_is_the_perimeter_of_the_positive_part():
    # f = 1 - |x| - |y|: the boundary is a square with diagonal 2.
    network = PLNetwork((Affine(np.eye(2), [0, 0]), ScalarPWL.absolute(2), Affine([[-1, -1]], [1])), 2)
    boundary = plnet.enumerate_regions(network, plnet.Box(-2, 2)).decision_boundary()
    assert boundary.length == pytest.approx(4 * math.sqrt(2))


def test_an_interrupted_boundary_is_not_kept(monkeypatch):
    network = PLNetwork((Affine(np.eye(2), [0, 0]), ScalarPWL.absolute(2), Affine([[-1, -1]], [1])), 2)
    regions = plnet.enumerate_regions(network, plnet.Box(-2, 2))

    def interrupted(*options):
        return replace(enumerate_all(*options), complete=False, stopped_by="Ctrl-C")

    enumerate_all = enumeration.enumerate_problem
    with monkeypatch.context() as patch:
        patch.setattr(enumeration, "enumerate_problem", interrupted)
        with pytest.raises(KeyboardInterrupt):
            regions.decision_boundary()
    assert regions.decision_boundary().length == pytest.approx(4 * math.sqrt(2))
