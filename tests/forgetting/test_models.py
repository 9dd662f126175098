"""Models of the forgetting laboratory: sizes, matching, exchange with modules, derivatives, dropout masks."""

import numpy as np
import pytest
import torch
from forgetting_loops import neighbours, run_with_masks
from torch.nn import functional

import plnet
from plnet.errors import ConfigError
from plnet.forgetting.models.batched_network import BatchedNetwork
from plnet.forgetting.models.dropout import dropout_key, dropout_masks
from plnet.forgetting.models.losses import cross_entropies, cross_entropy_delta, mask_logits
from plnet.forgetting.models.modules import initial_parameters, read_module, to_module
from plnet.forgetting.models.spec import ACTIVATIONS, ModelSpec
from plnet.networks import Maxout

SIZES = (5, (12, 6), 4)


def resolve(activation="relu", pieces=2, **options):
    return ModelSpec(SIZES[1], activation, pieces=pieces, **options).resolve(SIZES[0], SIZES[2])


def samples(members=3, n=7):
    rng = np.random.default_rng(0)
    return torch.from_numpy(rng.normal(size=(members, n, 5))), torch.from_numpy(
        rng.integers(0, 4, (members, n))
    )


# Sizes. By hand: 64-100-100-10 has 6500 + 10100 + 1010 = 17610 parameters.


def test_numbers_of_parameters():
    def count(activation, **options):
        return ModelSpec((100, 100), activation, **options).resolve(64, 10).n_parameters

    assert count("relu") == count("lwta") == 17_610
    assert count("prelu") == 17_612
    assert count("maxout") == 2 * 6500 + 2 * 10_100 + 1010
    assert count("maxout", matching="preactivations") == 2 * 50 * 65 + 2 * 50 * 51 + 510


@pytest.mark.parametrize("activation", ACTIVATIONS)
@pytest.mark.parametrize("pieces", [2, 3, 5])
def test_parameters_are_those_of_the_module(activation, pieces):
    sizes = ModelSpec((30, 60), activation, pieces=pieces).resolve(5, 4)
    module = to_module(sizes, initial_parameters(sizes, [0])[0])
    assert sum(parameter.numel() for parameter in module.parameters()) == sizes.n_parameters


def test_matching_by_hand():
    outputs = ModelSpec((100, 100), "maxout", pieces=4, matching="outputs").resolve(64, 10)
    assert [layer.n_out for layer in outputs.layers] == [100, 100, 10]
    assert [layer.rows for layer in outputs.layers] == [400, 400, 10]
    same = ModelSpec((100, 100), "maxout", pieces=4, matching="preactivations").resolve(64, 10)
    assert [layer.rows for layer in same.layers] == [100, 100, 10]
    assert same.n_preactivations == 200
    assert same.match.startswith("preactivations matched: 200 hidden pre-activations, as the reference")
    blocks = ModelSpec((100, 100), "lwta", pieces=3, matching="preactivations").resolve(64, 10)
    assert [layer.rows for layer in blocks.layers] == [99, 99, 10]
    assert "198 hidden pre-activations against 200 of the reference 64-100-100-10" in blocks.match


@pytest.mark.parametrize("pieces", [2, 3, 4, 5])
def test_no_other_width_matches_the_parameters_better(pieces):
    found = ModelSpec((80, 40), "maxout", pieces=pieces, matching="parameters").resolve(20, 5)
    reference = 80 * 21 + 40 * 81 + 5 * 41
    gap = abs(found.n_parameters - reference)
    for first in range(1, 81):
        second = max(1, int(first / 2 + 0.5))
        other = pieces * first * 21 + pieces * second * (first + 1) + 5 * (second + 1)
        assert abs(other - reference) >= gap
    assert gap < 0.05 * reference
    assert f"{found.n_parameters:,} parameters" in found.match


def test_without_matching_sizes_are_taken_as_they_are():
    found = ModelSpec((7,), "maxout", pieces=3).resolve(2, 2)
    assert found.layers[0].rows == 21
    assert found.match.startswith("not matched")
    with pytest.raises(ConfigError, match="divisible"):
        ModelSpec((7,), "lwta", pieces=2).resolve(2, 2)


# Exchange with torch modules


@pytest.mark.parametrize("pieces", [2, 3])
@pytest.mark.parametrize("activation", ACTIVATIONS)
def test_modules_and_back(activation, pieces):
    sizes = resolve(activation, pieces)
    rows = initial_parameters(sizes, [1, 2, 3], torch.float64)
    x, _ = samples()
    logits = BatchedNetwork(sizes).logits(rows, x)
    for member in range(3):
        module = to_module(sizes, rows[member])
        assert torch.equal(read_module(sizes, module), rows[member])
        assert (module(x[member]).T - logits[member]).abs().max() < 1e-14


def test_initial_parameters_come_from_the_seed_alone():
    sizes = resolve("maxout")
    rows = initial_parameters(sizes, [4, 7, 4])
    assert torch.equal(rows[0], rows[2])
    assert not torch.equal(rows[0], rows[1])
    assert torch.equal(rows[1], initial_parameters(sizes, [7])[0])
    assert torch.equal(rows, initial_parameters(sizes, [4, 7, 4], torch.float64).float())
    before = torch.random.get_rng_state()
    initial_parameters(sizes, [0])
    assert torch.equal(torch.random.get_rng_state(), before)


def test_default_initialisation_is_that_of_torch():
    sizes = ModelSpec((400,)).resolve(100, 10)
    module = to_module(sizes, initial_parameters(sizes, [0], torch.float64)[0])
    for layer, fan_in in ((module[0], 100), (module[2], 400)):
        for parameter in layer.parameters():
            assert parameter.abs().max() <= fan_in**-0.5
        assert layer.weight.var().item() == pytest.approx(1 / (3 * fan_in), rel=0.1)


@pytest.mark.parametrize("activation", ["relu", "maxout", "lwta"])
def test_regions_of_a_member_can_be_counted(activation):
    sizes = ModelSpec((4,), activation).resolve(2, 2)
    module = to_module(sizes, initial_parameters(sizes, [0])[0]).eval()
    count = plnet.count_regions(module, plnet.Box(-1, 1), progress=False)
    assert int(count) >= 1


# Derivatives against autograd


@pytest.mark.parametrize("dropout", [False, True], ids=["plain", "dropout"])
@pytest.mark.parametrize("activation", ACTIVATIONS)
def test_gradient_and_squared_gradient(activation, dropout):
    sizes = resolve(activation, 3, input_dropout=0.2 * dropout, hidden_dropout=0.5 * dropout)
    rows = initial_parameters(sizes, [1, 2, 3], torch.float64)
    x, y = samples()
    masks = dropout_masks(sizes, [5, 6, 7], 2, x.shape[1], torch.float64)
    network = BatchedNetwork(sizes)
    trace = network.forward(rows, x, masks)
    found = network.backward(rows, trace, cross_entropy_delta(trace.logits, y))
    squares = network.squared_gradient(
        rows, x, lambda z: cross_entropy_delta(z, y, weight=torch.ones_like(y) * 1.0)
    )
    for member in range(3):
        own = masks and [mask if mask is None else mask[member] for mask in masks]
        gradient = autograd(sizes, rows[member], x[member], y[member], own)
        assert (found[member] - gradient).abs().max() < 1e-14
        total = 0
        for i in range(x.shape[1]):
            total += autograd(sizes, rows[member], x[member, i : i + 1], y[member, i : i + 1], None) ** 2
        assert (squares[member] - total).abs().max() < 1e-13


def autograd(sizes, row, x, y, masks):
    module = to_module(sizes, row)
    if masks is None:
        module.eval()
        logits = module(x)
    else:
        logits = run_with_masks(module, sizes, x, masks)
    functional.cross_entropy(logits, y).backward()
    for parameter in module.parameters():
        parameter.data = parameter.grad
    return read_module(sizes, module)


def test_cross_entropy_with_weights_and_masks():
    rng = np.random.default_rng(0)
    logits = torch.from_numpy(rng.normal(size=(2, 4, 6))).requires_grad_()
    y = torch.from_numpy(rng.integers(0, 2, (2, 6)))
    weight = torch.from_numpy(rng.random((2, 6)))
    active = torch.tensor([[True, True, False, True], [True, True, True, False]]).unsqueeze(2)
    values = cross_entropies(logits, y, active)
    by_torch = functional.cross_entropy(mask_logits(logits, active), y, reduction="none")
    assert (values - by_torch).abs().max() < 1e-14
    (by_torch * weight).sum().backward()
    delta = cross_entropy_delta(logits.detach(), y, active=active, weight=weight)
    assert (delta - logits.grad).abs().max() < 1e-15


# Ties, where torch and the usual gradient may differ. By hand.


def test_ties_go_to_one_piece():
    sizes = ModelSpec((1,), "maxout", pieces=3).resolve(1, 1)
    rows = torch.zeros(1, sizes.n_parameters, dtype=torch.float64)
    network = BatchedNetwork(sizes)
    network.views(rows)[-1].weight.fill_(1.0)
    gradient = network.gradient(rows, torch.ones(1, 1, 1, dtype=torch.float64), torch.ones_like)
    assert network.views(gradient)[0].bias.tolist() == [[1.0, 0.0, 0.0]]
    sizes = ModelSpec((3,), "lwta", pieces=3).resolve(1, 1)
    rows = torch.zeros(1, sizes.n_parameters, dtype=torch.float64)
    network = BatchedNetwork(sizes)
    network.views(rows)[-1].weight.fill_(1.0)
    gradient = network.gradient(rows, torch.ones(1, 1, 1, dtype=torch.float64), torch.ones_like)
    assert network.views(gradient)[0].bias.tolist() == [[0.0, 0.0, 1.0]]


# Dropout masks


def test_hash_is_splitmix64():
    # The first outputs of SplitMix64 with the state 1234567, from Vigna's reference program.
    known = [6457827717110365317, 3203168211198807973, 9817491932198370423]
    sizes = ModelSpec((1,), hidden_dropout=0.5).resolve(1, 1)
    # Layer 1 of step 0 counts from 2**28 on; with this key that is where the state begins.
    golden = 0x9E3779B97F4A7C15
    key = (1234567 - (1 << 28) * golden) % 2**64
    mask = dropout_masks(sizes, [key], 0, 6, torch.float64)[1].flatten()
    expected = [float(2 * (word >> 32 >= 2**31)) for word in known]
    expected += [float(2 * (word & 0xFFFFFFFF >= 2**31)) for word in known]
    assert mask.tolist() == expected


def test_masks_have_the_right_rate_and_keep_the_mean():
    sizes = ModelSpec((500, 500)).with_dropout().resolve(784, 10)
    masks = dropout_masks(sizes, [dropout_key(0, 0), dropout_key(1, 0)], 0, 64, torch.float64)
    for mask, rate in zip(masks, (0.2, 0.5, 0.5), strict=True):
        n = mask.numel()
        assert set(mask.unique().tolist()) == {0.0, 1 / (1 - rate)}
        # Five standard deviations of a binomial share.
        assert abs((mask == 0).double().mean() - rate) < 5 * (rate * (1 - rate) / n) ** 0.5
        assert not torch.equal(mask[0], mask[1])
    later = dropout_masks(sizes, [dropout_key(0, 0)], 1, 64, torch.float64)
    for one, two in zip(masks[1:], later[1:], strict=True):
        agree = (one[0] == two[0]).double().mean()
        assert abs(agree - 0.5) < 5 * (0.25 / one[0].numel()) ** 0.5


def test_no_dropout_makes_no_masks():
    assert dropout_masks(resolve(), [1], 0, 4, torch.float32) is None
    only_hidden = dropout_masks(resolve(hidden_dropout=0.5), [1], 0, 4, torch.float32)
    assert [mask is None for mask in only_hidden] == [True, False, False]


def test_order_of_blocks():
    sizes = resolve("lwta", 3)
    assert neighbours(sizes, torch.arange(6.0)[:, None]).flatten().tolist() == [0, 2, 4, 1, 3, 5]
    module = to_module(sizes, initial_parameters(sizes, [0])[0])
    assert not isinstance(module[0], Maxout)


# Messages


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"activation": "relo"}, "Did you mean 'relu'"),
        ({"pieces": 1}, "from 2 to 5"),
        ({"pieces": 2.0}, "from 2 to 5"),
        ({"slope": 0.1}, "no slope"),
        ({"hidden_dropout": 1.0}, "probability"),
        ({"input_dropout": "half"}, "probability"),
        ({"max_norm": 0}, "positive number"),
        ({"hidden": ()}, "positive integers"),
        ({"hidden": (5, 0)}, "positive integers"),
        ({"matching": "size"}, "matching"),
        ({"heads": "two"}, "heads"),
    ],
)
def test_impossible_models(options, words):
    with pytest.raises(ConfigError, match=words):
        ModelSpec(**options)
