"""Unknown keyword arguments are told with the name that was meant, whatever other libraries call it."""

import inspect
import pickle

import pytest

import plnet
from plnet import equivalence, forgetting, maxout, networks, plotting
from plnet.checks import suggest_options
from plnet.errors import ConfigError, TaskError


@pytest.mark.parametrize(
    ("call", "word", "meant"),
    [
        (forgetting.train_sequence, "lr", "learning_rate"),
        (forgetting.train_sequence, "seed", "seeds"),
        (forgetting.train_sequence, "n_epochs", "epochs"),
        (forgetting.train_settings, "batchsize", "batch_size"),
        (forgetting.ModelSpec, "activations", "activation"),
        (forgetting.compare_results, "metrics", "metric"),
        (plnet.statistics.mean_interval, "seed", "rng"),
        (plnet.count_regions, "seed", "rng"),
        (plnet.count_regions, "timeout", "max_seconds"),
        (plnet.enumerate_regions, "max_region", "max_regions"),
        (plnet.count_many, "timeout", "max_seconds"),
        (equivalence.check_equivalence, "random_state", "rng"),
        (plnet.fit_max_affine, "seed", "rng"),
        (maxout.fitting.fit_max_affine, "start", "starts"),
        (networks.mlp, "seed", "rng"),
        (plotting.plot_regions, "colour_by", "color_by"),
        (plotting.plot_metric_bars, "legends", "legend"),
        (plotting.plot_frontier, "axes", "ax"),
    ],
)
def test_the_name_that_was_meant(call, word, meant):
    words = f"{call.__name__} has no option '{word}'. Did you mean {meant}"
    with pytest.raises(ConfigError, match=words) as told:
        call(**{word: 1})
    assert isinstance(told.value, TypeError), "who expects what Python raises still gets it"
    # What is decorated is what was written: signature, name, a reference that another process finds.
    assert meant in inspect.signature(call).parameters
    assert call.__doc__
    assert pickle.loads(pickle.dumps(call)) is call


def test_recipes_know_the_same_words():
    for make in (lambda: forgetting.permuted(seed=1), lambda: forgetting.task_sequence("permuted", seed=1)):
        with pytest.raises(TaskError, match="Did you mean fixed_seed"):
            make()
    with pytest.raises(ConfigError, match="Did you mean learning_rate"):
        forgetting.search_settings([], [forgetting.method("l2")], seeds=[0], lr=1)


def test_other_mistakes_stay_those_of_python():
    with pytest.raises(TypeError, match="missing 1 required"):
        forgetting.train_sequence([])

    @suggest_options
    def add(first, /, second, *, third=0):
        return first + second + third

    assert add(1, 2, third=3) == 6
    with pytest.raises(TypeError, match="no option 'first'"):
        add(first=1, second=2)
