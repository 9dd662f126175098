"""The search of settings, and what the methods reach with the settings it found."""

import numpy as np
import pytest
import torch

from plnet.errors import ConfigError, TaskError
from plnet.forgetting import compare_results, permuted, train_sequence
from plnet.forgetting.methods import method, method_names
from plnet.forgetting.training.search import GRIDS, SettingsSearch, method_grid, search_settings

pytestmark = pytest.mark.usefixtures("one_thread")


TASKS = {"seeds": [50, 51], "model": [6], "epochs": 2, "progress": None}


def small_tasks(**preparation):
    rng = np.random.default_rng(0)
    x = rng.normal(size=(120, 5))
    return permuted(2, (x, (x[:, 0] > 0).astype(int)), **preparation)


def test_grid_has_every_combination():
    found = method_grid("ewc", strength=(1.0, 2.0), labels=("expected", "empirical"))
    assert [(one.strength, one.labels) for one in found] == [
        (1.0, "expected"),
        (1.0, "empirical"),
        (2.0, "expected"),
        (2.0, "empirical"),
    ]
    for name, axes in GRIDS.items():
        assert len(method_grid(name)) == np.prod([len(values) for values in axes.values()])


def test_scores_are_those_of_each_candidate_alone():
    tasks = small_tasks(validation_fraction=0.25)
    candidates = method_grid("ewc", strength=(0.5, 20.0), labels=("empirical", "expected"))
    found = search_settings(tasks, candidates, **TASKS)
    for candidate, scores, result in zip(candidates, found.scores, found.results, strict=True):
        options = {key: value for key, value in TASKS.items() if key != "model"}
        alone = train_sequence(tasks, TASKS["model"], candidate, **options)
        assert (result.method, result.settings["labels"]) == ("ewc", candidate.labels)
        assert scores == pytest.approx(alone.validation[:, -1].mean(axis=1))
    assert found.means == pytest.approx(found.scores.mean(axis=1))
    assert found.best is candidates[int(np.argmax(found.means))]
    table = found.to_table()
    assert [row["labels"] for row in table] == ["empirical", "expected"] * 2
    assert table[1]["validation_accuracy"] == pytest.approx(found.means[1])


def result_of(scores, candidates):
    return SettingsSearch(candidates, np.array(scores), ())


def test_best_has_no_diverged_replicate():
    candidates = method_grid("l2", strength=(0.1, 1.0, 10.0))
    found = result_of([[0.5, 0.6], [0.6, 0.6], [0.99, np.nan]], candidates)
    assert found.best is candidates[1]
    assert found.at_edge == ()
    assert [row["diverged"] for row in found.to_table()] == [0, 0, 1]
    assert result_of([[0.7, 0.7], [0.6, 0.6], [0.9, np.nan]], candidates).at_edge == ("strength",)
    with pytest.raises(ConfigError, match="smaller strengths"):
        _ = result_of([[np.nan, 0.5]] * 3, candidates).best


def test_strengths_that_diverge_are_seen():
    tasks = small_tasks(validation_fraction=0.25)
    found = search_settings(tasks, method_grid("l2", strength=(0.1, 1e6)), **{**TASKS, "epochs": 9})
    assert found.best.strength == 0.1
    assert np.isnan(found.scores).tolist() == [[False, False], [True, True]]


def test_wrong_searches():
    with pytest.raises(ConfigError, match="nothing to search"):
        method_grid("plain")
    with pytest.raises(ConfigError, match="nothing to search"):
        method_grid("ewc", strength=())
    with pytest.raises(ConfigError, match="Did you mean 'strength'"):
        method_grid("ewc", strengths=(1.0,))
    with pytest.raises(ConfigError, match="at least one candidate"):
        search_settings(small_tasks(), (), **TASKS)
    with pytest.raises(TaskError, match="validation_fraction"):
        search_settings(small_tasks(), method_grid("l2", strength=(0.1,)), **TASKS)


SEARCHED = ("ewc", "online_ewc", "si", "replay")


@pytest.fixture(scope="module")
def protocol():
    """Five permuted-digit tasks with the settings and the rate of the search, which had other seeds."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    tasks = permuted(5)
    found = {
        name: train_sequence(tasks, method=name, seeds=range(20), learning_rate=0.05, progress=None)
        for name in ("plain", "joint", *SEARCHED)
    }
    torch.set_num_threads(before)
    return found


@pytest.mark.slow
@pytest.mark.parametrize("metric", ["forgetting_chaudhry", "forgetting_avalanche"])
def test_methods_forget_less_than_plain_training(protocol, metric):
    chosen = {name: protocol[name] for name in ("plain", *SEARCHED)}
    for contrast in compare_results(chosen, metric, reference="plain"):
        assert (contrast.second, contrast.difference.n) == ("plain", 20)
        assert contrast.difference.high < -0.1, contrast
        assert contrast.adjusted_p_value < 1e-6


@pytest.mark.slow
def test_methods_are_better_than_plain_and_joint_is_the_ceiling(protocol):
    for contrast in compare_results(
        {name: protocol[name] for name in ("plain", *SEARCHED)}, "average_accuracy", reference="plain"
    ):
        assert contrast.difference.low > 0.1, contrast
    for contrast in compare_results(protocol, "average_accuracy", reference="joint"):
        assert contrast.difference.high < 0, contrast


def test_every_method_with_strengths_has_a_grid():
    assert set(GRIDS) == set(method_names()) - {"plain", "joint"}
    for name in GRIDS:
        assert all(hasattr(method(name), axis) for axis in GRIDS[name])
