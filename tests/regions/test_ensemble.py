"""`count_many`: agreement with single counts, budgets, failures, interruption, state dicts."""

from __future__ import annotations

import os
import signal
import threading
import time

import numpy as np
import pytest
from helpers import he_network
from torch import nn

import plnet
from plnet.errors import DomainError, EngineError, NetworkError
from plnet.ir import Affine, PLNetwork
from plnet.networks import mlp
from plnet.regions import EnsembleCount
from plnet.regions.engines.base import Tally

BOX = plnet.Box(-1, 1)


class Slow:
    """An engine that finds a region each hundredth of a second and never ends by itself."""

    name = "slow"

    def check(self, problem):
        pass

    def run(self, problem, control, store):
        count = 0
        try:
            while count < 2000:
                time.sleep(0.01)
                count += 1
                if control.spent(count):
                    return Tally(count, complete=False)
        except KeyboardInterrupt:
            return Tally(count, complete=False)
        return Tally(count, complete=True)


@pytest.mark.parametrize("n_jobs", [1, 2, -1])
def test_counts_are_those_of_single_calls(n_jobs):
    networks = [he_network((2, 8, 8, 1), seed) for seed in range(6)]
    found = plnet.count_many(networks, BOX, n_jobs=n_jobs)
    assert isinstance(found, EnsembleCount)
    assert found.counts.tolist() == [int(plnet.count_regions(net, BOX)) for net in networks]
    assert found.exact.all()
    assert found.complete.all()
    assert len(found) == 6
    assert found[0] == found.counts[0]
    assert found.seconds > 0
    with pytest.raises(ValueError, match="read-only"):
        found.counts[0] = 0


def test_definition_and_engine_are_passed_on():
    networks = (he_network((2, 4, 1), seed) for seed in range(3))
    found = plnet.count_many(networks, BOX, definition="R6", engine="rational")
    assert {result.definition for result in found} == {"affine"}
    assert {result.engine for result in found} == {"rational"}


def test_failing_network_is_an_entry_and_the_rest_goes_on():
    networks = [he_network((2, 4, 1), 0), he_network((3, 4, 1), 0), "no network", he_network((2, 4, 1), 1)]
    found = plnet.count_many(networks, plnet.Box([-1, -1], [1, 1]), n_jobs=2)
    assert [result is None for result in found] == [False, True, True, False]
    assert "takes 3 inputs" in str(found.errors[1])
    assert found.errors[2] is not None
    assert found.counts[1] == -1
    assert "2 of 4 networks counted, 2 failed" in repr(found)


def test_modules_and_state_dicts_of_one_architecture():
    modules = [mlp([2, 6, 1], rng=seed) for seed in range(4)]
    template = mlp([2, 6, 1], rng=99)
    before = {key: value.clone() for key, value in template.state_dict().items()}
    by_module = plnet.count_many(modules, BOX)
    by_state = plnet.count_many([m.state_dict() for m in modules], BOX, module=template, n_jobs=2)
    assert by_module.counts.tolist() == by_state.counts.tolist()
    assert all((template.state_dict()[key] == value).all() for key, value in before.items())
    wrong = plnet.count_many([mlp([2, 5, 1], rng=0).state_dict()], BOX, module=template)
    assert isinstance(wrong.errors[0], NetworkError)
    without = plnet.count_many([modules[0].state_dict()], BOX)
    assert "module=" in str(without.errors[0])


def test_a_single_network_is_an_ensemble_of_one():
    module = mlp([2, 6, 1], rng=0)
    expected = [plnet.count_regions(module, BOX).count]
    for single in (module, module.double(), plnet.as_network(module), [module]):
        assert plnet.count_many(single, BOX).counts.tolist() == expected
    assert plnet.count_many(module.state_dict(), BOX, module=module).counts.tolist() == expected


def test_a_module_list_holds_several_networks():
    modules = nn.ModuleList([mlp([2, 6, 1], rng=seed) for seed in range(3)])
    assert plnet.count_many(modules, BOX).counts.tolist() == plnet.count_many([*modules], BOX).counts.tolist()


@pytest.mark.parametrize("wrong", [None, 3, "relu"])
def test_what_holds_no_networks_is_refused(wrong):
    with pytest.raises(NetworkError, match=r"Expected networks, such as a list of modules, got"):
        plnet.count_many(wrong, BOX)


def test_budget_of_each_network():
    found = plnet.count_many([he_network((2, 4, 1), 0)] * 3, BOX, engine=Slow(), max_seconds=0.2)
    assert not found.complete.any()
    assert (found.counts > 0).all()
    few = plnet.count_many([he_network((2, 4, 1), 0)] * 3, BOX, engine=Slow(), max_regions=5)
    assert few.counts.tolist() == [5, 5, 5]


def test_budget_of_the_whole_call():
    start = time.perf_counter()
    found = plnet.count_many(
        [he_network((2, 4, 1), 0)] * 4, BOX, engine=Slow(), max_seconds=0.3, max_total_seconds=0.5
    )
    assert time.perf_counter() - start < 2
    assert found[0] is not None
    assert found[3] is None
    assert found.errors[3] is None
    assert found.counts[3] == -1


@pytest.mark.parametrize("n_jobs", [1, 2])
def test_interruption_gives_what_is_known(n_jobs):
    def press():
        time.sleep(0.5)
        os.kill(os.getpid(), signal.SIGINT)

    presser = threading.Thread(target=press)
    presser.start()
    found = plnet.count_many([he_network((2, 4, 1), 0)] * 3, BOX, engine=Slow(), n_jobs=n_jobs)
    presser.join()
    assert found.seconds < 5
    assert found[0] is not None
    assert 0 < found[0].count < 500
    assert not found.complete.any()
    assert found[2] is None


def test_progress_is_the_number_of_networks():
    seen = []
    plnet.count_many([he_network((2, 4, 1), k) for k in range(5)], BOX, progress=seen.append)
    assert seen[-1] == 5
    assert seen == sorted(seen)
    plnet.count_many([he_network((2, 4, 1), 0)], BOX, progress=True)


def test_error_in_progress_ends_the_call():
    def fail(_):
        raise RuntimeError("stop it")

    with pytest.raises(RuntimeError, match="stop it"):
        plnet.count_many([he_network((2, 4, 1), 0)] * 2, BOX, progress=fail)


def test_empty_ensemble():
    found = plnet.count_many([], BOX)
    assert (len(found), found.counts.tolist(), found.complete.tolist()) == (0, [], [])


def test_counts_of_any_size():
    # 70 independent units on R^70 have 2^70 regions, which no int64 holds.
    huge = PLNetwork((Affine(np.eye(70), np.zeros(70)), *he_network((70, 1, 1), 0).layers[1:1]), 70)
    from plnet.ir import ScalarPWL

    huge = PLNetwork((*huge.layers, ScalarPWL.relu(70)), 70)
    found = plnet.count_many([huge])
    assert found.errors == (None,)
    assert found.counts.tolist() == [2**70]


def test_options_are_checked_before_anything_runs():
    nets = [he_network((2, 4, 1), 0)]
    with pytest.raises(EngineError, match="n_jobs"):
        plnet.count_many(nets, BOX, n_jobs=0)
    with pytest.raises(EngineError, match="max_seconds"):
        plnet.count_many(nets, BOX, max_total_seconds=-1)
    with pytest.raises(EngineError, match="engine"):
        plnet.count_many(nets, BOX, engine="cell")
    with pytest.raises(EngineError, match="definition"):
        plnet.count_many(nets, BOX, definition="R7")
    with pytest.raises(DomainError, match="domain"):
        plnet.count_many(nets, 3)
    with pytest.raises(EngineError, match="progress"):
        plnet.count_many(nets, BOX, progress="yes")
