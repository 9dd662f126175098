"""Many random networks: conversions, convexity and differences against the oracle."""

import numpy as np
import oracle
import pytest
from convexity_oracle import check_witness, convex_by_vertices, first_output, minus
from degenerate import FAMILIES, draw_case
from exact_modules import evaluate_module
from helpers import rational_points, to_network
from wild_networks import wild_network

import plnet
from plnet.maxout import difference_of_maxouts, is_concave, is_convex, maxout_to_relu, to_maxout

pytestmark = pytest.mark.slow


@pytest.mark.parametrize("seed", range(60))
def test_conversions(seed):
    rng = np.random.default_rng(seed)
    d = 1 + seed % 4
    layers = wild_network(rng, d)
    converted, rectified = to_maxout(to_network(layers, d)), maxout_to_relu(to_network(layers, d))
    for point in rational_points(rng, d, 20):
        expected, _ = oracle.evaluate(layers, point)
        assert evaluate_module(converted, point) == expected
        assert evaluate_module(rectified, point) == expected


@pytest.mark.parametrize("family", [None, *FAMILIES])
def test_convexity_and_differences(family):
    rng = np.random.default_rng(7)
    for _ in range(6):
        layers, low, high = draw_case(rng, family)
        layers = first_output(layers)
        network, box = to_network(layers), plnet.Box(low, high)
        for decide, raw, sign in ((is_convex, layers, 1), (is_concave, minus(layers), -1)):
            report = decide(network, box)
            assert report.holds is convex_by_vertices(raw, low, high)
            if not report.holds:
                check_witness(report.witness, layers, sign, low, high)
        cells = oracle.cells(layers, low, high)
        for method in ("walls", "layers"):
            found = difference_of_maxouts(network, box, method=method)
            corners = [vertex for cell in cells for vertex in cell.vertices]
            expected = [oracle.evaluate(layers, corner)[0][0] for corner in corners]
            assert found(np.array(corners, dtype=object), exact=True).tolist() == expected
