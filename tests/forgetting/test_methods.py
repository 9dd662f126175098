"""Methods against forgetting: against loops with autograd, against plain training, and resumed."""

from dataclasses import fields

import numpy as np
import pytest
import torch
from forgetting_loops import random_task, source_of
from method_loops import (
    AGEMLoop,
    ERACELoop,
    EWCLoop,
    JointLoop,
    L2Loop,
    LwFLoop,
    MethodLoop,
    ReplayLoop,
    SILoop,
)
from omegaconf import OmegaConf

from plnet.errors import ConfigError
from plnet.forgetting import split, train_sequence
from plnet.forgetting.methods import Method, Step, TaskContext, ewc, method, method_names
from plnet.forgetting.models.spec import ModelSpec
from plnet.forgetting.tasks.task import Task
from plnet.forgetting.training.members import make_members
from plnet.forgetting.training.options import TrainingOptions
from plnet.forgetting.training.trainer import train_task
from plnet.runs import config_dir

SEEDS = (3, 5)
RATE = 0.02


pytestmark = pytest.mark.usefixtures("one_thread")


def tasks_of(n_tasks=3, members=2):
    return [
        [random_task(np.random.default_rng([t, s]), 34, 5, 6, 4) for s in range(members)]
        for t in range(n_tasks)
    ]


def split_tasks(members=2):
    """Tasks with classes 0 and 1, then 2 alone; class 3 is never seen."""
    found = []
    for t in range(2):
        stage = []
        for s in range(members):
            rng = np.random.default_rng([t, s])
            y = rng.integers(0, 2, 34)
            x = rng.normal(size=(34, 6)) + y[:, None]
            labels = y if t == 0 else np.full(34, 2)
            stage.append(Task(f"split {t}", (x, labels), (x, labels)))
        found.append(stage)
    return found


def train(
    chosen,
    tasks,
    *,
    activation="relu",
    dropout=False,
    dtype=torch.float64,
    seeds=SEEDS,
    members=None,
    **options,
):
    settings = {"epochs": 3, "batch_size": 16, "engine": "batched", **options}
    if members is None:
        spec = ModelSpec((7, 5), activation)
        architecture = (spec.with_dropout() if dropout else spec).resolve(6, 4)
        members = make_members(architecture, seeds, chosen, learning_rate=RATE, dtype=dtype)
    for stage in tasks:
        replicates = len(stage)
        source = source_of(stage, dtype, 4)
        train_task(
            members,
            lambda rows, source=source, n=replicates: source([row % n for row in rows]),
            TrainingOptions(**settings),
        )
    return members


def loop(kind, tasks, member, *, activation="relu", **settings):
    architecture = ModelSpec((7, 5), activation).resolve(6, 4)
    row = make_members(architecture, SEEDS, dtype=torch.float64).parameters[member]
    found = kind(architecture, row, SEEDS[member], RATE, **settings)
    for stage in tasks:
        found.train(stage[member], 3, 16)
    return found


MEMORY = {"capacity": 12, "memory_batch": 8}
WORKED = [
    ("l2", L2Loop, {"strength": 0.3}),
    ("ewc", EWCLoop, {"strength": 20.0, "labels": "expected"}),
    ("ewc", EWCLoop, {"strength": 20.0, "labels": "empirical"}),
    ("online_ewc", EWCLoop, {"strength": 20.0, "labels": "expected", "decay": 0.7}),
    ("si", SILoop, {"strength": 0.8, "damping": 0.01}),
    ("lwf", LwFLoop, {"strength": 0.7, "temperature": 2.0}),
    ("replay", ReplayLoop, {**MEMORY, "strength": 0.6}),
    ("agem", AGEMLoop, {**MEMORY, "strength": 1.0}),
    ("er_ace", ERACELoop, {**MEMORY, "strength": 0.6}),
    ("joint", JointLoop, {}),
]
NAMED = [name if name != "ewc" else f"ewc-{settings['labels']}" for name, _, settings in WORKED]


@pytest.mark.parametrize(("name", "kind", "settings"), WORKED, ids=NAMED)
def test_equals_a_loop_with_autograd(name, kind, settings):
    tasks = tasks_of()
    members, plain = train(method(name, **settings), tasks), train(None, tasks)
    for member in range(2):
        reference = loop(kind, tasks, member, **settings)
        assert (members.parameters[member] - reference.row).abs().max() < 1e-12
        assert (members.parameters[member] - plain.parameters[member]).abs().max() > 1e-3
        if name == "agem":
            assert reference.projected > 0, "no gradient was projected, so nothing was tested"


@pytest.mark.parametrize(("name", "kind", "settings"), WORKED[:7], ids=NAMED[:7])
def test_maxout_equals_a_loop_with_autograd(name, kind, settings):
    tasks = tasks_of(2)
    members = train(method(name, **settings), tasks, activation="maxout")
    reference = loop(kind, tasks, 1, activation="maxout", **settings)
    assert (members.parameters[1] - reference.row).abs().max() < 1e-12


def test_plain_equals_its_loop():
    tasks = tasks_of()
    members = train(method("plain"), tasks)
    assert (members.parameters[1] - loop(MethodLoop, tasks, 1).row).abs().max() < 1e-12


@pytest.mark.parametrize("name", ["lwf", "er_ace"])
def test_new_classes_equal_a_loop_with_autograd(name):
    # LwF distils classes 0 and 1 only. The asymmetric loss leaves them out for new samples, not class 3.
    kind, settings = next((kind, settings) for key, kind, settings in WORKED if key == name)
    tasks = split_tasks()
    members = train(method(name, **settings), tasks)
    assert (members.parameters[0] - loop(kind, tasks, 0, **settings).row).abs().max() < 1e-12
    other = {"lwf": "plain", "er_ace": "replay"}[name]
    assert (members.parameters - train(method(other), tasks).parameters).abs().max() > 1e-3


def test_er_ace_remembers_new_classes_while_it_learns_them():
    # Class-incremental digits, with the order of classes of each replicate, against the loop with autograd.
    sequence = split(5)
    drawn = [sequence.draw(seed) for seed in SEEDS]
    architecture = ModelSpec((20,)).resolve(64, 10)
    members = make_members(
        architecture, SEEDS, method("er_ace", capacity=40), learning_rate=RATE, dtype=torch.float64
    )
    before = members.parameters.clone()
    for stage in zip(*drawn, strict=True):
        train_task(members, source_of(stage, n_classes=10), TrainingOptions(2, 64))
    loop = ERACELoop(architecture, before[1], SEEDS[1], RATE, capacity=40, memory_batch=16, strength=1.0)
    for task in drawn[1]:
        loop.train(task, 2, 64)
    assert (members.parameters[1] - loop.row).abs().max() < 1e-12
    remembered = set(members.state["memory_y"][1].tolist())
    assert remembered == set(range(10)), "the memory lacks a class"


@pytest.mark.slow
def test_er_ace_on_class_incremental_digits_reaches_what_its_paper_describes():
    # An independent loop: ACC 0.820, last task 0.84. With a memory that is filled when a task is done 0.00.
    result = train_sequence(split(5), "relu", "er_ace", seeds=range(10), epochs=10, learning_rate=0.05)
    assert not result.diverged.any()
    final = result.accuracy[:, -1].mean(axis=0)
    assert abs(final.mean() - 0.820) < 0.02
    assert abs(final[-1] - 0.84) < 0.03


class ByHand:
    """One member with three parameters and gradients that the test chooses."""

    def __init__(self, chosen, parameters, **settings):
        self.chosen = chosen
        self.context = TaskContext(
            task=0,
            network=None,
            parameters=torch.tensor([parameters], dtype=torch.float64),
            data=None,
            seeds=(0,),
            settings={name: torch.tensor([value]) for name, value in settings.items()},
            state={},
            learning_rate=torch.ones(1),
            initial=None,
        )

    def step(self, gradient, parameters):
        """Return the adjusted gradient, and move to other parameters."""
        given = torch.tensor([gradient], dtype=torch.float64)
        step = Step(None, None, None, 0, 0, lambda _: given)
        self.chosen.adjust_gradient(self.context, step)
        self.context.parameters.copy_(torch.tensor([parameters]))
        return step.gradient()[0].tolist()


def test_synaptic_intelligence_by_hand():
    hand = ByHand(method("si"), [0.0, 0.0, 0.0], strength=0.5, damping=1.0)
    hand.chosen.before_task(hand.context)
    assert hand.step([-2.0, 1.0, 3.0], [1.0, 1.0, 0.0]) == [-2.0, 1.0, 3.0]
    assert hand.step([-1.0, -1.0, 3.0], [3.0, 1.0, 0.0]) == [-1.0, -1.0, 3.0]
    hand.chosen.after_task(hand.context)
    # Paths: 2 * 1 + 1 * 2 = 4; -1 * 1 + 1 * 0 = -1; 0. Divided by 3**2 + 1, 1**2 + 1, 0 + 1; not below 0.
    assert hand.context.state["importance"].tolist() == [[0.4, 0.0, 0.0]]
    hand.context.task = 1
    hand.chosen.before_task(hand.context)
    hand.step([0.0, 0.0, 0.0], [5.0, 2.0, 7.0])
    # 2 * 0.5 * 0.4 * (5 - 3) is the gradient of the penalty; only the first parameter counts.
    assert hand.step([1.0, 1.0, 1.0], [5.0, 2.0, 7.0]) == pytest.approx([1.8, 1.0, 1.0])
    hand.chosen.after_task(hand.context)
    # The second step did not move, the first one had no gradient of the loss: nothing is gained.
    assert hand.context.state["importance"].tolist() == [[0.4, 0.0, 0.0]]


def test_l2_by_hand():
    hand = ByHand(method("l2"), [1.0, 2.0, 3.0], strength=0.5)
    hand.chosen.before_task(hand.context)
    assert hand.step([1.0, 1.0, 1.0], [2.0, 2.0, 2.0]) == [1.0, 1.0, 1.0]
    hand.chosen.after_task(hand.context)
    hand.context.task = 1
    hand.chosen.before_task(hand.context)
    hand.step([0.0, 0.0, 0.0], [4.0, 2.0, 0.0])
    assert hand.step([1.0, 1.0, 1.0], [0.0, 0.0, 0.0]) == [2.0, 1.0, 0.0]


def test_elastic_penalty_by_hand(monkeypatch):
    # Importances 1 and 3 at the ends 0 and 4 of two tasks: 1 * (6 - 0) + 3 * (6 - 4) = 12 at 6.
    for name, expected in (("ewc", 1 + 2 * 12.0), ("online_ewc", 1 + 2 * 0.5 * (0.5 * 1 + 3) * (6 - 4))):
        hand = ByHand(method(name), [9.0] * 3, strength=2.0, decay=0.5)
        for importance, end in ((1.0, 0.0), (3.0, 4.0)):
            here = torch.full((1, 3), importance, dtype=torch.float64)
            monkeypatch.setattr(ewc, "fisher_diagonal", lambda *_, here=here, **__: here)
            hand.chosen.before_task(hand.context)
            hand.step([0.0] * 3, [end] * 3)
            hand.chosen.after_task(hand.context)
            hand.context.task += 1
        hand.chosen.before_task(hand.context)
        hand.step([0.0] * 3, [6.0] * 3)
        assert hand.step([1.0] * 3, [6.0] * 3) == pytest.approx([expected] * 3)


OFF = [
    ("l2", {"strength": 0.0}),
    ("ewc", {"strength": 0.0}),
    ("ewc", {"strength": 0.0, "labels": "empirical"}),
    ("online_ewc", {"strength": 0.0}),
    ("si", {"strength": 0.0}),
    ("lwf", {"strength": 0.0}),
    ("agem", {"strength": 0.0}),
    ("replay", {"capacity": 0}),
    ("agem", {"capacity": 0}),
    ("er_ace", {"capacity": 0}),
]


@pytest.mark.parametrize(("name", "settings"), OFF)
def test_switched_off_is_plain_training_to_the_last_bit(name, settings):
    tasks = tasks_of()
    members = train(method(name, **settings), tasks, dtype=torch.float32)
    plain = train(None, tasks, dtype=torch.float32)
    assert torch.equal(members.parameters, plain.parameters)
    assert torch.equal(members.velocity, plain.velocity)


@pytest.mark.parametrize("dropout", [False, True])
def test_replay_of_strength_zero_is_plain_training(dropout):
    # The matrix products are longer by samples of weight 0, so they may be summed in another order.
    tasks = tasks_of()
    members = train(method("replay", strength=0.0), tasks, dropout=dropout)
    assert (members.parameters - train(None, tasks, dropout=dropout).parameters).abs().max() < 1e-12


@pytest.mark.parametrize("name", [name for name in method_names() if name not in ("plain", "er_ace")])
def test_first_task_is_plain_training_to_the_last_bit(name):
    tasks = tasks_of(1)
    members = train(method(name), tasks, dtype=torch.float32)
    assert torch.equal(members.parameters, train(None, tasks, dtype=torch.float32).parameters)


@pytest.mark.parametrize(("name", "kind", "settings"), WORKED, ids=NAMED)
def test_resumed_run_is_the_same_to_the_last_bit(name, kind, settings):
    tasks = tasks_of()
    whole = train(method(name, **settings), tasks)
    first = train(method(name, **settings), tasks[:2])
    saved = first.state_dict()
    again = train(method(name, **settings), [])
    again.load_state_dict(saved)
    again.sources = first.sources
    train(None, tasks[2:], members=again)
    assert torch.equal(again.parameters, whole.parameters)
    assert all(torch.equal(again.state[key], value) for key, value in whole.state.items())


@pytest.mark.parametrize(("name", "kind", "settings"), WORKED, ids=NAMED)
def test_members_do_not_depend_on_each_other(name, kind, settings):
    tasks = tasks_of(2, members=3)
    together = train(method(name, **settings), tasks, seeds=(3, 5, 7))
    for chunk in (1, 2):
        apart = train(method(name, **settings), tasks, seeds=(3, 5, 7), chunk=chunk)
        assert (together.parameters - apart.parameters).abs().max() < 1e-12


@pytest.mark.parametrize("name", ["l2", "ewc", "online_ewc", "si", "lwf", "replay", "agem", "er_ace"])
def test_strengths_may_differ_between_members(name):
    tasks = tasks_of(2)
    settings = {} if name not in ("replay", "agem", "er_ace") else MEMORY
    several = train([method(name, strength=s, **settings) for s in (0.2, 2.0)], tasks)
    for place, strength in enumerate((0.2, 2.0)):
        alone = train(method(name, strength=strength, **settings), tasks)
        mine = several.parameters[2 * place : 2 * place + 2]
        assert (mine - alone.parameters).abs().max() < 1e-12
    assert (several.parameters[:2] - several.parameters[2:]).abs().max() > 1e-4


def with_validation(tasks):
    """Give member 0 validation labels that cannot be learned, so that it stops before the others."""
    found = []
    for stage in tasks:
        parts = []
        for place, task in enumerate(stage):
            y = np.full(34, 3) if place == 0 else np.array(task.train.y)
            parts.append(Task(task.name, task.train, task.test, (task.train.x, y), classes=range(4)))
        found.append(parts)
    return found


@pytest.mark.parametrize(("name", "kind", "settings"), WORKED, ids=NAMED)
def test_members_that_stop_early_leave_the_rest_alone(name, kind, settings):
    tasks = with_validation(tasks_of())
    together = train(method(name, **settings), tasks, patience=2, epochs=8)
    for place in range(2):
        one = [[stage[place]] for stage in tasks]
        alone = train(method(name, **settings), one, seeds=SEEDS[place : place + 1], patience=2, epochs=8)
        assert (together.parameters[place] - alone.parameters[0]).abs().max() < 1e-12


@pytest.mark.parametrize(("name", "kind", "settings"), WORKED, ids=NAMED)
def test_a_diverging_member_leaves_the_rest_alone(name, kind, settings):
    tasks = tasks_of()
    members = train(method(name, **settings), [])
    members.rates.learning_rate[0] = 1e30
    train(None, tasks, members=members)
    assert members.diverged.tolist() == [True, False]
    whole = train(method(name, **settings), tasks)
    assert (members.parameters[1] - whole.parameters[1]).abs().max() < 1e-12


def test_joint_keeps_no_copy_of_samples():
    tasks = tasks_of()
    members = train(method("joint"), tasks)
    assert sum(value.numel() for value in members.state.values()) == 0
    again = train(method("joint"), [])
    again.load_state_dict(members.state_dict())
    with pytest.raises(ConfigError, match="data of the 3 tasks before"):
        train(None, tasks[:1], members=again)


def test_joint_can_begin_anew():
    tasks = tasks_of(2)
    anew = train(method("joint", restart=True), tasks, keep_momentum=False)
    # A model that starts on both tasks at once, as its second task.
    together = train(method("joint"), [])
    initial = together.parameters.clone()
    train(None, tasks[:1], members=together, keep_momentum=False)
    together.parameters.copy_(initial)
    train(None, tasks[1:], members=together, keep_momentum=False)
    assert torch.equal(anew.parameters, together.parameters)


# Names and settings


def test_every_name_makes_a_method():
    assert {"plain", "joint", "l2", "ewc", "online_ewc", "si", "lwf", "replay", "agem", "er_ace"} == set(
        method_names()
    )
    for name in method_names():
        made = method(name)
        assert isinstance(made, Method)
        assert made.name == name
        assert method(made) is made


@pytest.mark.parametrize("name", method_names())
def test_configurations_have_the_defaults(name):
    values = OmegaConf.load(config_dir() / "method" / f"{name}.yaml")
    given = {key: value for key, value in values.items() if key not in ("defaults", "name")}
    assert values.name == name
    assert method(name, **given) == method(name)
    assert set(given) == {part.name for part in fields(method(name))}


@pytest.mark.parametrize(
    ("name", "settings", "words"),
    [
        ("EWC", {}, "Did you mean 'ewc'"),
        ("nothing", {}, "plain, joint, l2"),
        ("ewc", {"strenght": 1.0}, "Did you mean 'strength'"),
        ("plain", {"strength": 1.0}, "has no settings"),
        ("ewc", {"strength": -1.0}, "number 0 or above, got -1.0"),
        ("ewc", {"strength": float("nan")}, "number 0 or above"),
        ("ewc", {"strength": True}, "number 0 or above"),
        ("ewc", {"labels": "true"}, "expected, empirical"),
        ("online_ewc", {"decay": 1.5}, "at most 1"),
        ("si", {"damping": 0.0}, "number above 0"),
        ("lwf", {"temperature": -2}, "number above 0"),
        ("replay", {"capacity": 2.5}, "integer, at least 0"),
        ("replay", {"memory_batch": 0}, "integer, at least 1"),
    ],
)
def test_wrong_names_and_settings(name, settings, words):
    with pytest.raises(ConfigError, match=words):
        method(name, **settings)


def test_a_method_takes_no_further_settings():
    with pytest.raises(ConfigError, match="made already"):
        method(method("ewc"), strength=1.0)
