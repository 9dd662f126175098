"""The trainer against plain loops with autograd, one model at a time, in float64."""

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
import pytest
import torch
from forgetting_loops import Loop, random_task, source_of

from plnet.errors import ConfigError, EngineError, TaskError
from plnet.forgetting.methods.base import Batch, Method
from plnet.forgetting.models.spec import ACTIVATIONS, ModelSpec
from plnet.forgetting.seeding import generator
from plnet.forgetting.training.evaluation import correct, evaluate
from plnet.forgetting.training.members import make_members
from plnet.forgetting.training.options import TrainingOptions
from plnet.forgetting.training.trainer import chunk_size, train_task

SMOOTH = ("elu", "gelu", "sigmoid", "tanh")
ENGINES = ("batched", "fused")
CLASSES = 4


def draw_tasks(members=2, tasks=2, **options):
    """Draw tasks[t][s], the task t of member s."""
    return [
        [random_task(np.random.default_rng([t, s]), **options) for s in range(members)] for t in range(tasks)
    ]


def start(spec, tasks, seeds=(3, 5), dtype=torch.float64, **settings):
    return make_members(spec.resolve(tasks[0][0].n_inputs, CLASSES), seeds, dtype=dtype, **settings)


def train(spec, tasks, engine="auto", *, options=None, seeds=(3, 5), dtype=torch.float64, **settings):
    """Train members on one task after the other."""
    members = start(spec, tasks, seeds, dtype, **settings)
    options = {"epochs": 4, "batch_size": 16, "engine": engine, **(options or {})}
    for stage in tasks:
        train_task(members, source_of(stage, dtype, CLASSES), TrainingOptions(**options))
    return members


def loop_row(spec, tasks, member=1, seeds=(3, 5), epochs=4, **rates):
    """Train one member by a plain loop; return the loop."""
    members = start(spec, tasks, seeds)
    loop = Loop(members.architecture, members.parameters[member], seeds[member], **rates)
    for number, stage in enumerate(tasks):
        loop.train(stage[member], number, epochs, 16)
    return loop


def engines_of(activation):
    return ("batched",) if activation in SMOOTH else ENGINES


# Equality with autograd. 70 samples in minibatches of 16 are 5 steps an epoch, the last with 6 samples.


def check_equal_to_loop(activation, dropout, epochs, pieces=2):
    spec = ModelSpec((12, 12), activation, pieces=pieces)
    spec = spec.with_dropout() if dropout else spec
    tasks = draw_tasks()
    loop = loop_row(spec, tasks, epochs=epochs, learning_rate=0.01)
    for engine in engines_of(activation):
        members = train(spec, tasks, engine, options={"epochs": epochs}, learning_rate=0.01)
        assert (members.parameters[1] - loop.row).abs().max() < 1e-12
        moved = (members.parameters - start(spec, tasks).parameters).abs().amax(dim=1)
        assert (moved > 0.02).all(), "nothing was learned"
        for stage in tasks:
            assert evaluate(members, source_of(stage, torch.float64, CLASSES))[1] == loop.accuracy(stage[1])


@pytest.mark.parametrize("dropout", [False, True], ids=["plain", "dropout"])
@pytest.mark.parametrize("activation", ACTIVATIONS)
def test_fifty_steps_equal_autograd(activation, dropout):
    check_equal_to_loop(activation, dropout, 5)


@pytest.mark.slow
@pytest.mark.parametrize("dropout", [False, True], ids=["plain", "dropout"])
@pytest.mark.parametrize("activation", ACTIVATIONS)
def test_thousand_steps_equal_autograd(activation, dropout):
    check_equal_to_loop(activation, dropout, 100)


@pytest.mark.parametrize("pieces", [3, 4])
@pytest.mark.parametrize("activation", ["maxout", "lwta"])
def test_more_pieces_equal_autograd(activation, pieces):
    check_equal_to_loop(activation, True, 5, pieces)


@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize("activation", ["relu", "maxout", "prelu"])
def test_rates_and_norms_equal_autograd(activation, engine):
    # Rates differ between members, so each has a loop of its own.
    spec = ModelSpec((8, 6), activation, max_norm=0.4)
    rates = {"learning_rate": [0.02, 0.01], "momentum": [0.5, 0.0], "weight_decay": [0.01, 0.1]}
    tasks = draw_tasks()
    members = train(spec, [[row[0], row[0]] for row in tasks], engine, seeds=(3,), **rates)
    for h in range(2):
        own = {name: values[h] for name, values in rates.items()}
        loop = loop_row(spec, tasks, member=0, seeds=(3,), **own)
        assert (members.parameters[h] - loop.row).abs().max() < 1e-12
        assert members.module(h)[0].weight.norm(dim=-1).max() <= 0.4 + 1e-12
    free = train(
        ModelSpec((8, 6), activation), [[row[0], row[0]] for row in tasks], engine, seeds=(3,), **rates
    )
    assert ((members.parameters - free.parameters).abs().amax(dim=1) > 0.01).all(), "the limit had no effect"


@pytest.mark.parametrize("engine", ENGINES)
def test_heads_that_rest_equal_autograd_without_them(engine):
    # The loop has two heads of two outputs, each with tensors of its own, behind a shared body.
    rng = np.random.default_rng(0)
    tasks = []
    for number in range(2):
        single = random_task(rng, classes=2)
        parts = [(part.x, part.y + 2 * number) for part in (single.train, single.test)]
        tasks.append([type(single)("head", *parts, classes=[2 * number, 2 * number + 1], masked=True)])
    spec = ModelSpec((8,))
    members = start(spec, tasks, seeds=(3,), weight_decay=0.05)
    before = members.parameters[0].clone()
    module = members.module(0)
    body, head = module[:2], module[2]
    weights = [head.weight[rows].detach().clone().requires_grad_() for rows in ([0, 1], [2, 3])]
    biases = [head.bias[rows].detach().clone().requires_grad_() for rows in ([0, 1], [2, 3])]
    optimiser = torch.optim.SGD(
        [*body.parameters(), *weights, *biases], lr=0.05, momentum=0.9, weight_decay=0.05
    )
    for number, (task,) in enumerate(tasks):
        x, y = torch.from_numpy(task.train.x), torch.from_numpy(np.array(task.train.y)) - 2 * number
        orders = generator(3, "order", number)
        for _ in range(4):
            for rows in torch.from_numpy(orders.permutation(len(y))).split(16):
                optimiser.zero_grad()
                logits = body(x[rows]) @ weights[number].T + biases[number]
                torch.nn.functional.cross_entropy(logits, y[rows]).backward()
                optimiser.step()
        resting = members.module(0)[2].weight[[2, 3] if number == 0 else [0, 1]]

        def look(view, number=number, resting=resting):
            last = view.network.views(view.parameters)[-1].weight[0]
            assert torch.equal(last[[2, 3] if number == 0 else [0, 1]], resting)

        options = TrainingOptions(4, 16, engine=engine)
        train_task(members, source_of([task], torch.float64, 4), options, observe=look)
    found = members.module(0)
    assert (found[2].weight - torch.cat(weights)).abs().max() < 1e-12
    assert (found[2].bias - torch.cat(biases)).abs().max() < 1e-12
    assert (found[0].weight - body[0].weight).abs().max() < 1e-12
    assert (members.parameters[0] - before).abs().max() > 0.05


# Reproducible from the seeds


@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize("spec", [ModelSpec((8,)), ModelSpec((8,), "maxout").with_dropout()], ids=str)
def test_chunks_do_not_matter(spec, engine):
    tasks = draw_tasks(members=5)
    seeds = (1, 2, 3, 4, 5)
    whole = train(spec, tasks, engine, seeds=seeds)
    for chunk in (1, 2):
        parts = train(spec, tasks, engine, seeds=seeds, options={"chunk": chunk})
        assert (parts.parameters - whole.parameters).abs().max() < 1e-12
    alone = train(spec, [row[2:3] for row in tasks], engine, seeds=(3,))
    assert (alone.parameters[0] - whole.parameters[2]).abs().max() < 1e-12
    again = train(spec, tasks, engine, seeds=seeds)
    assert torch.equal(again.parameters, whole.parameters)


def test_compiled_training_does_not_feel_other_members():
    tasks = draw_tasks(members=3)
    spec = ModelSpec((8,)).with_dropout()
    whole = train(spec, tasks, "fused", seeds=(1, 2, 3), dtype=torch.float32)
    alone = train(spec, [row[1:2] for row in tasks], "fused", seeds=(2,), dtype=torch.float32)
    assert torch.equal(alone.parameters[0], whole.parameters[1])


def test_threads_do_not_matter():
    tasks, spec, seeds = draw_tasks(members=3), ModelSpec((8,)).with_dropout(), (1, 2, 3)
    before = torch.get_num_threads()
    found = []
    for threads in (1, 2):
        torch.set_num_threads(threads)
        found.append(train(spec, tasks, "fused", seeds=seeds).parameters)
    torch.set_num_threads(before)
    assert torch.equal(*found)


@pytest.mark.parametrize("hidden", [8, 600])
@pytest.mark.parametrize("fails", [False, True])
def test_small_networks_use_one_thread_of_torch_and_give_the_others_back(hidden, fails):
    before, seen = torch.get_num_threads(), []

    def look(view):
        seen.append(torch.get_num_threads())
        if fails:
            raise InterruptedError

    torch.set_num_threads(2)
    try:
        members = start(ModelSpec((hidden, hidden)), tasks := draw_tasks(tasks=1))
        try:
            train_task(members, source_of(tasks[0], torch.float64, CLASSES), TrainingOptions(1), observe=look)
        except InterruptedError:
            assert fails
        assert torch.get_num_threads() == 2
        # The same in a test of the members.
        evaluate(members, lambda _: seen.append(torch.get_num_threads()) or source_of(tasks[0])(range(2)))
        assert torch.get_num_threads() == 2
    finally:
        torch.set_num_threads(before)
    assert set(seen) == {1 if hidden == 8 else 2}


@pytest.mark.parametrize("engine", ENGINES)
def test_state_is_restored_exactly(engine):
    tasks, spec = draw_tasks(tasks=3), ModelSpec((8,)).with_dropout()
    options = TrainingOptions(3, 16, engine=engine)
    whole = start(spec, tasks)
    train_task(whole, source_of(tasks[0], torch.float64, CLASSES), options)
    saved = whole.state_dict()
    for stage in tasks[1:]:
        train_task(whole, source_of(stage, torch.float64, CLASSES), options)
    resumed = start(spec, tasks)
    resumed.load_state_dict(saved)
    assert resumed.tasks_done == 1
    for stage in tasks[1:]:
        train_task(resumed, source_of(stage, torch.float64, CLASSES), options)
    assert torch.equal(resumed.parameters, whole.parameters)
    assert torch.equal(resumed.velocity, whole.velocity)


def test_state_of_other_members_is_refused():
    tasks = draw_tasks()
    with pytest.raises(ConfigError, match="does not fit"):
        start(ModelSpec((8,)), tasks).load_state_dict(start(ModelSpec((9,)), tasks).state_dict())


@pytest.mark.parametrize("engine", ENGINES)
def test_momentum_is_kept_or_reset(engine):
    tasks, spec = draw_tasks(), ModelSpec((8,))
    kept = train(spec, tasks, engine)
    fresh = train(spec, tasks, engine, options={"keep_momentum": False})
    assert (kept.parameters - fresh.parameters).abs().max() > 1e-3
    once = train(spec, tasks[:1], engine)
    once.velocity.zero_()
    train_task(once, source_of(tasks[1], torch.float64, CLASSES), TrainingOptions(4, 16, engine=engine))
    assert torch.equal(once.parameters, fresh.parameters)


@pytest.mark.parametrize("engine", ENGINES)
def test_blocks_of_a_large_task_do_not_matter(engine, monkeypatch):
    tasks, spec = draw_tasks(), ModelSpec((8,)).with_dropout()
    whole = train(spec, tasks, engine)
    # Two minibatches at a time.
    monkeypatch.setattr("plnet.forgetting.training.engine_fused._LARGEST_BLOCK", 2 * 9 * 16 * 2)
    assert torch.equal(train(spec, tasks, engine).parameters, whole.parameters)


# Divergence and early stopping


@pytest.mark.parametrize("engine", ENGINES)
def test_a_member_that_diverges_is_marked_and_the_rest_goes_on(engine):
    tasks, spec = draw_tasks(members=3), ModelSpec((8,), "abs")
    same = [[row[0]] * 3 for row in tasks]
    rates = {"learning_rate": [0.05, 1e300, 0.02]}
    members = train(spec, same, engine, seeds=(3,), **rates)
    assert members.diverged.tolist() == [False, True, False]
    accuracy = evaluate(members, source_of(same[0], torch.float64, CLASSES))
    assert np.isnan(accuracy[1])
    assert np.isfinite(accuracy[[0, 2]]).all()
    for h, rate in ((0, 0.05), (2, 0.02)):
        alone = train(spec, [row[:1] for row in tasks], engine, seeds=(3,), learning_rate=rate)
        assert (members.parameters[h] - alone.parameters[0]).abs().max() < 1e-12


@pytest.mark.parametrize("engine", ENGINES)
def test_early_stopping_returns_to_the_best_epoch(engine):
    tasks = draw_tasks(members=4, tasks=1, validation=25)
    spec, seeds = ModelSpec((8,)).with_dropout(), (1, 2, 3, 4)
    source = source_of(tasks[0], torch.float64, CLASSES)
    history, rows = {}, {}
    # What each member has after each epoch, by itself and without stopping.
    for member, seed in enumerate(seeds):
        alone = start(spec, [[tasks[0][member]]], seeds=(seed,))

        def look(view, member=member, alone=alone):
            own = source_of([tasks[0][member]], torch.float64, CLASSES)
            history.setdefault(member, []).append(evaluate(alone, own, "validation")[0])
            rows.setdefault(member, []).append(view.parameters[0].clone())

        options = TrainingOptions(20, 16, engine="batched")
        train_task(alone, source_of([tasks[0][member]], torch.float64, CLASSES), options, observe=look)
    members = start(spec, tasks, seeds)
    report = train_task(members, source, TrainingOptions(20, 16, engine=engine, patience=3))
    for member in range(4):
        best, stale, last = -1, 0, 0
        for epoch, score in enumerate(history[member]):
            last = epoch
            if best < 0 or score > history[member][best]:
                best, stale = epoch, 0
            else:
                stale += 1
            if stale == 3:
                break
        assert report.epochs[member] == last + 1
        assert (members.parameters[member] - rows[member][best]).abs().max() < 1e-12
    assert len(set(report.epochs.tolist())) > 1, "all stopped together, so nothing was tested"


# Hooks


@dataclass(frozen=True)
class Doubled(Method):
    """Train with twice the gradient, by way of all four hooks."""

    factor: float = 2.0
    name: ClassVar[str] = "doubled"
    per_member: ClassVar[tuple[str, ...]] = ("factor",)

    def before_task(self, context):
        if context.task == 0:
            context.state["steps"] = torch.zeros(len(context.seeds))

    def extend_batch(self, context, batch):
        twice = torch.cat([batch.x, batch.x], dim=1), torch.cat([batch.y, batch.y], dim=1)
        return Batch(*twice, active=batch.active)

    def adjust_gradient(self, context, step):
        step.gradient().mul_(context.setting("factor"))
        context.state["steps"] += 1

    def after_task(self, context):
        context.state["steps"] += 1000


def test_hooks_see_all_members_of_any_chunk():
    tasks, spec = draw_tasks(members=3), ModelSpec((8,))
    plain = train(spec, tasks, seeds=(1, 2, 3), learning_rate=0.02)
    for chunk in (1, 2, 3):
        members = train(
            spec, tasks, seeds=(1, 2, 3), method=Doubled(), learning_rate=0.01, options={"chunk": chunk}
        )
        # Twice the gradient at half the rate; samples that come twice do not change a mean.
        assert (members.parameters - plain.parameters).abs().max() < 1e-12
        assert members.state["steps"].tolist() == [2 * (4 * 5 + 1000)] * 3


def test_settings_of_methods_differ_between_members():
    tasks, spec = draw_tasks(members=1), ModelSpec((8,))
    same = [[row[0]] * 2 for row in tasks]
    members = train(spec, same, seeds=(3,), method=[Doubled(1.0), Doubled(2.0)], learning_rate=0.01)
    for h, rate in enumerate((0.01, 0.02)):
        plain = train(spec, tasks, seeds=(3,), learning_rate=rate)
        assert (members.parameters[h] - plain.parameters[0]).abs().max() < 1e-12


def test_state_of_a_member_that_leaves_is_kept():
    tasks, spec = draw_tasks(members=2), ModelSpec((8,))
    same = [[row[0]] * 2 for row in tasks]
    rates = {"learning_rate": [0.01, 1e300]}
    members = train(spec, same, seeds=(3,), method=[Doubled(1.0), Doubled(1e10)], **rates)
    assert members.diverged.tolist() == [False, True]
    steps = members.state["steps"].tolist()
    assert steps[0] == 2 * (4 * 5 + 1000)
    # One epoch of the first task, then no more steps.
    assert steps[1] == 5 + 2000


def test_methods_that_do_not_go_together_are_refused():
    @dataclass(frozen=True)
    class Other(Method):
        memory: int = 1

    with pytest.raises(ConfigError, match="one class"):
        start(ModelSpec((8,)), draw_tasks(), method=[Doubled(), Other()])
    with pytest.raises(ConfigError, match="share 'memory'"):
        start(ModelSpec((8,)), draw_tasks(), method=[Other(1), Other(2)])


# Evaluation, options, messages


def test_correct_samples_are_those_of_the_module():
    tasks, spec = draw_tasks(), ModelSpec((8,), "maxout", pieces=3)
    members = train(spec, tasks)
    found = correct(members, source_of(tasks[0], torch.float64, CLASSES))
    for member, task in enumerate(tasks[0]):
        logits = members.module(member)(torch.from_numpy(task.test.x))
        assert (found[member] == (logits.argmax(dim=1).numpy() == task.test.y)).all()
    assert 0 < found.mean() < 1


def test_masked_outputs_cannot_win():
    task = random_task(np.random.default_rng(0), classes=2, masked=True)
    members = make_members(ModelSpec((4,)).resolve(9, 4), (0,), dtype=torch.float64)
    members.parameters[0, -1] = 100.0
    assert evaluate(members, source_of([task], torch.float64, 4))[0] > 0
    open_task = random_task(np.random.default_rng(0), classes=2)
    assert evaluate(members, source_of([open_task], torch.float64, 4))[0] == 0


def test_size_of_chunks():
    def size(hidden, **options):
        members = make_members(ModelSpec(hidden).resolve(64, 10), range(17))
        return chunk_size(members, TrainingOptions(**options))

    assert size((100, 100)) == 16
    assert size((500, 500)) == 1
    assert 1 < size((200, 200)) < 16
    assert size((100, 100), chunk=64) == 17


def test_engine_that_cannot_be_used():
    with pytest.raises(EngineError, match="gelu is not piecewise linear"):
        train(ModelSpec((8,), "gelu"), draw_tasks(), "fused")
    with pytest.raises(EngineError, match="takes part in each step"):
        train(ModelSpec((8,)), draw_tasks(), "fused", method=Doubled())


def test_samples_that_do_not_fit_are_refused():
    task = random_task(np.random.default_rng(0), classes=6)
    members = make_members(ModelSpec((4,)).resolve(9, 4), (0,))
    with pytest.raises(TaskError, match="labels from 0 to 3"):
        train_task(members, source_of([task], torch.float32, 6))
    members = make_members(ModelSpec((4,)).resolve(8, 6), (0,))
    with pytest.raises(TaskError, match="8 inputs, got 9"):
        train_task(members, source_of([task], torch.float32, 6))
    with pytest.raises(ConfigError, match="float32"):
        make_members(ModelSpec((4,)).resolve(8, 6), (0,), dtype=torch.float16)


def test_early_stopping_needs_validation_samples():
    with pytest.raises(TaskError, match="validation"):
        train(ModelSpec((8,)), draw_tasks(), options={"patience": 2})


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"epochs": 0}, "epochs"),
        ({"batch_size": 2.5}, "batch_size"),
        ({"patience": True}, "patience"),
        ({"chunk": -1}, "chunk"),
        ({"engine": "fast"}, "engine"),
    ],
)
def test_impossible_options(options, words):
    with pytest.raises(ConfigError, match=words):
        TrainingOptions(**options)


@pytest.mark.parametrize(
    ("rates", "words"),
    [
        ({"learning_rate": -1.0}, "learning_rate"),
        ({"momentum": 1.0}, "momentum"),
        ({"weight_decay": float("nan")}, "weight_decay"),
        ({"learning_rate": [0.1, 0.2], "momentum": [0.1, 0.2, 0.3]}, "lengths"),
    ],
)
def test_impossible_rates(rates, words):
    with pytest.raises(ConfigError, match=words):
        start(ModelSpec((8,)), draw_tasks(), **rates)


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="no CUDA device")
@pytest.mark.parametrize("activation", ACTIVATIONS)
def test_a_gpu_gives_the_same(activation):
    spec, tasks = ModelSpec((12, 12), activation, max_norm=1.0).with_dropout(), draw_tasks()
    here = train(spec, tasks, "batched")
    members = start(spec, tasks, device="cuda")
    for stage in tasks:
        train_task(members, source_of(stage, torch.float64, CLASSES, "cuda"), TrainingOptions(4, 16))
    assert (members.parameters.cpu() - here.parameters).abs().max() < 1e-10
    where = source_of(tasks[0], torch.float64, CLASSES)
    there = source_of(tasks[0], torch.float64, CLASSES, "cuda")
    assert (evaluate(members, there) == evaluate(here, where)).all()
