"""Local winner takes all: read, evaluated, counted, and refused where continuity is needed."""

import json
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import nn
from torch_modules import assert_same_function, ready

import plnet
from plnet.errors import ConfigError, DimensionError, EngineError, NetworkError, PLNetError
from plnet.ir import GroupMax, LocalWinner, PLNetwork, as_network, to_sequential
from plnet.networks import GroupedWinner, LocalWinnerTakeAll
from plnet.regions.certificates.certificate import Certificate


def winner_net(inputs=2, seed=0):
    torch.manual_seed(seed)
    return nn.Sequential(
        nn.Linear(inputs, 6),
        LocalWinnerTakeAll(3),
        nn.Linear(6, 4),
        LocalWinnerTakeAll(2),
        nn.Linear(4, 3),
        nn.ReLU(),
    )


def pairs(n_in=4):
    return LocalWinner([[0, 1], [2, 3]], n_in)


def test_the_module_passes_on_the_largest():
    x = torch.tensor([[1.0, 3.0, -2.0, -5.0, 2.0, 2.0]])
    assert LocalWinnerTakeAll(2)(x).tolist() == [[0.0, 3.0, -2.0, 0.0, 0.0, 2.0]]
    assert LocalWinnerTakeAll(3)(x).tolist() == [[0.0, 3.0, 0.0, 0.0, 0.0, 2.0]]
    channels = LocalWinnerTakeAll(2)(torch.tensor([[[1.0, 2.0], [3.0, 0.0]]]))
    assert channels.tolist() == [[[0.0, 2.0], [3.0, 0.0]]]
    groups = GroupedWinner(torch.tensor([[0, 2, 2], [1, 3, 4]]))
    assert groups(torch.tensor([[2.0, 1.0, 2.0, 1.0, 0.0]])).tolist() == [[0.0, 0.0, 2.0, 1.0, 0.0]]
    for size in (0, 1.0, True):
        with pytest.raises(ConfigError, match="positive integer"):
            LocalWinnerTakeAll(size)


def test_a_layer_by_hand():
    network = PLNetwork((pairs(),), 4)
    points = np.array([[1.0, 2.0, 0.0, 0.0], [5.0, -1.0, -3.0, -4.0]])
    assert network.evaluate(points).tolist() == [[0.0, 2.0, 0.0, 0.0], [5.0, 0.0, -3.0, 0.0]]
    # Ties go to the last maximiser.
    assert network.pattern_at(points).tolist() == [[1, 1], [0, 0]]
    exact = network.evaluate([[Fraction(1, 3), Fraction(1, 3), 2, 1]], exact=True)
    assert exact.tolist() == [[0, Fraction(1, 3), 2, 0]]
    gradients, offsets = network.affine_map_at(points, exact=True)
    assert gradients[0].tolist() == np.diag([0, 1, 0, 1]).tolist()
    assert not offsets.any()
    assert network.n_units == 2
    assert network.output_dim == 4


def test_only_a_real_choice_jumps():
    assert not PLNetwork((pairs(),), 4).is_continuous
    assert PLNetwork((LocalWinner([[0], [1]], 2),), 2).is_continuous
    assert PLNetwork((GroupMax([[0, 1]], 2),), 2).is_continuous


def test_rounding_near_a_jump_is_bounded():
    network = PLNetwork((pairs(),), 4)
    layer = network.layers[0]
    from plnet.ir.network import apply_with_error

    values, radius = apply_with_error(layer, np.array([[1.0, 1.0 + 1e-12, 3.0, 1.0]]), np.full((1, 4), 1e-9))
    # Either of the first two may win and the other be 0; the second pair is certain.
    assert values.tolist() == [[0.0, 1.0 + 1e-12, 3.0, 0.0]]
    assert radius[0, 0] >= 1.0
    assert radius[0, 1] >= 1.0
    assert radius[0, 2:].tolist() == [1e-9, 0.0]


def test_groups_must_be_a_partition():
    for groups in ([[0, 1]], [[0, 1], [1, 2]], [[0, 0], [1, 1]]):
        with pytest.raises(NetworkError, match="in exactly one group of local winners"):
            LocalWinner(groups, 3)
    with pytest.raises(DimensionError, match="channels that 4 divides"):
        as_network(nn.Sequential(nn.Linear(2, 6), LocalWinnerTakeAll(4)))


def test_export_of_any_groups():
    network = PLNetwork((LocalWinner([[2, 0], [1, 1]], 3),), 3)
    module = to_sequential(network)
    assert isinstance(module[0], GroupedWinner)
    again = as_network(module, 3)
    assert again.layers[0].groups.tolist() == [[2, 0], [1, 1]]
    assert_same_function(again, module)


def brute_patterns(module, reach, n=250):
    """Patterns that torch's own forward shows on a fine grid."""
    axis = torch.linspace(-reach, reach, n, dtype=torch.float64)
    x = torch.cartesian_prod(axis, axis + 1e-5)
    found = []
    with torch.no_grad():
        for part in module.double():
            if isinstance(part, LocalWinnerTakeAll):
                found.append(x.unflatten(1, (-1, part.group_size)).argmax(2))
            elif isinstance(part, nn.ReLU):
                found.append((x > 0).long())
            x = part(x)
    return {tuple(row) for row in torch.cat(found, 1).unique(dim=0).tolist()}


@pytest.mark.parametrize("seed", range(4))
def test_regions_in_the_plane(seed):
    module = winner_net(seed=seed)
    network = as_network(module)
    found = plnet.enumerate_regions(network, plnet.Box(-3, 3), progress=False)
    assert found.exact
    patterns = {tuple(p) for p in found.patterns.tolist()}
    seen = brute_patterns(module, 3)
    large = {tuple(p) for p, v in zip(found.patterns.tolist(), found.volumes, strict=True) if v > 0.01}
    assert large <= seen <= patterns
    assert found.volumes.sum() == pytest.approx(36)
    assert len(found) == plnet.count_regions(network, plnet.Box(-3, 3), engine="rational", progress=False)
    for point, gradient, offset in zip(found.points, found.gradients, found.offsets, strict=True):
        np.testing.assert_allclose(gradient @ point + offset, network.evaluate(point[None])[0], atol=1e-9)


@pytest.mark.parametrize("seed", range(3))
def test_regions_in_space_and_on_the_line(seed):
    network = as_network(ready(winner_net(3, seed), seed))
    box = plnet.Box(-3, 3)
    counts = [
        plnet.count_regions(network, box, engine=name, progress=False) for name in ("cells", "rational")
    ]
    assert counts[0] == int(counts[1]) > 10
    segment = plnet.Segment([-3, -2, 1], [3, 1, 2])
    assert plnet.count_regions(network, segment, progress=False) == int(
        plnet.count_regions(network, segment, engine="rational", progress=False)
    )


@pytest.mark.parametrize("definition", ["R1", "R4", "R5", "R6", "convex"])
def test_other_definitions_are_refused(definition):
    network = as_network(winner_net())
    with pytest.raises(PLNetError, match=r"jump|continuous"):
        plnet.count_regions(network, plnet.Box(-1, 1), definition=definition, progress=False)


def test_an_engine_that_cannot_carry_winners_names_one_that_can():
    network = as_network(winner_net())
    with pytest.raises(EngineError, match='Use engine="cells"'):
        plnet.count_regions(network, plnet.Box(-1, 1), engine="search", progress=False)


def test_files_and_certificates(tmp_path):
    network = as_network(winner_net())
    found = plnet.enumerate_regions(network, plnet.Box(-3, 3), progress=False)
    path = found.save(tmp_path / "winners")
    again = plnet.RegionComplex.load(path)
    assert np.array_equal(again.patterns, found.patterns)
    assert isinstance(again.network.layers[1], LocalWinner)
    proof = found.certificate()
    assert proof.check() == ()
    assert proof.complete
    document = json.loads(proof.save(tmp_path / "proof").read_text())
    assert f"PROVED: exactly {len(found)} regions." in checked(document)
    assert Certificate.load(tmp_path / "proof.json").check() == ()


@pytest.mark.filterwarnings("ignore:Initializing zero-element tensors")
def test_certificates_of_operators(tmp_path):
    """Averages by 9, reflected padding and a residual sum, in a checker that shares no code."""
    torch.manual_seed(0)
    module = nn.Sequential(
        nn.Conv2d(1, 2, 2, padding=1, padding_mode="reflect"), nn.ReLU(), nn.AvgPool2d(3, 1),
            LocalWinnerTakeAll(2)
    )  # fmt: skip
    network = as_network(module, (1, 3, 3))
    domain = plnet.Slice.through(np.random.default_rng(0).standard_normal((3, 9)), margin=0.5)
    found = plnet.enumerate_regions(network, domain, progress=False)
    proof = found.certificate()
    assert proof.check() == ()
    document = json.loads(proof.save(tmp_path / "proof").read_text())
    assert f"PROVED: exactly {len(found)} regions." in checked(document)
    document["network"]["layers"][2]["rows"][0][2] = 7
    assert "PROVED: exactly" not in checked(document)


def checked(document):
    """Return the text of the independent checker."""
    path = Path(__file__).resolve().parents[2] / "scripts" / "check_certificate.py"
    namespace = {"__name__": "check_certificate"}
    exec(compile(path.read_text(encoding="utf-8"), str(path), "exec"), namespace)
    try:
        return namespace["check"](document, False)
    except namespace["Refused"] as refusal:
        return f"NOT PROVED. {refusal}"
