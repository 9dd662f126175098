"""Tasks: what each replicate draws, what is changed and what is not, and data that cannot be used."""

import gzip
import itertools
import struct
import sys

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import ndimage
from sklearn import datasets

import plnet.forgetting as forgetting
from plnet.errors import ConfigError, FileFormatError, MissingExtraError, PLNetError, TaskError
from plnet.forgetting import Task, stack_tasks
from plnet.forgetting.data import openml as data_openml
from plnet.forgetting.data.files import read_idx
from plnet.forgetting.data.images import rotate_rows, shift_rows
from plnet.forgetting.seeding import check_seeds, generator, seed_sequence
from plnet.forgetting.tasks import batches
from plnet.forgetting.tasks import plane as tasks_plane
from plnet.forgetting.tasks.preparation import Preparation
from plnet.forgetting.tasks.projecting import projection

DIGITS = datasets.load_digits()
X, Y = DIGITS.data, DIGITS.target
SMALL = (np.arange(120.0).reshape(40, 3), np.arange(40) % 4)

RECIPES = {
    "permuted": lambda **o: forgetting.permuted(3, **o),
    "shuffled_labels": lambda **o: forgetting.shuffled_labels(3, **o),
    "rotated": lambda **o: forgetting.rotated([0, 30, 90], **o),
    "shifted": lambda **o: forgetting.shifted([(0, 0), (1, 0)], **o),
    "split class": lambda **o: forgetting.split(5, **o),
    "split task": lambda **o: forgetting.split(5, scenario="task", **o),
    "split domain": lambda **o: forgetting.split(2, scenario="domain", order="given", **o),
    "reformatted": lambda **o: forgetting.reformatted_pair(**o),
    "similar": lambda **o: forgetting.similar_pair(**o),
    "similar rotated": lambda **o: forgetting.similar_pair("rotated", **o),
    "dissimilar": lambda **o: forgetting.dissimilar_pair(**o),
}


def row_numbers(samples):
    """Tell which digits these are, whatever the order of their pixels."""
    return sorted(samples.rows.tolist())


# What a replicate draws


@pytest.mark.parametrize("name", RECIPES)
def test_draw_depends_on_the_seed_only(name):
    sequence = RECIPES[name](validation_fraction=0.1)
    first, again, other = sequence.draw(3), RECIPES[name](validation_fraction=0.1).draw(3), sequence.draw(4)
    assert len(first) == len(sequence) == len(sequence.task_names)
    for a, b in zip(first, again, strict=True):
        assert (a.name, a.classes, a.masked) == (b.name, b.classes, b.masked)
        for part in ("train", "validation", "test"):
            np.testing.assert_array_equal(a.part(part).x, b.part(part).x)
            np.testing.assert_array_equal(a.part(part).y, b.part(part).y)
    assert any(
        a.train.x.shape != b.train.x.shape or (a.train.x != b.train.x).any()
        for a, b in zip(first, other, strict=True)
    )


@pytest.mark.parametrize("name", RECIPES)
def test_parts_share_no_sample_and_sizes_do_not_depend_on_the_seed(name):
    sequence = RECIPES[name](validation_fraction=0.1)
    sizes = set()
    for seed in range(3):
        for task in sequence.draw(seed):
            assert task.n_inputs == sequence.n_inputs
            assert max(task.classes) < sequence.n_classes
            if task.train.rows is not None:
                rows = [set(row_numbers(task.part(part))) for part in ("train", "validation", "test")]
                assert all(not a & b for a, b in itertools.combinations(rows, 2))
        sizes.add(tuple((len(t.train), len(t.validation), len(t.test)) for t in sequence.draw(seed)))
    assert len(sizes) == 1
    assert all(v > 0 for task in sizes.pop() for v in task)


def test_fixed_seed_gives_all_replicates_the_same_tasks():
    sequence = forgetting.permuted(2, fixed_seed=5)
    free = forgetting.permuted(2).draw(5)
    for seed in (0, 9):
        np.testing.assert_array_equal(sequence.draw(seed)[1].train.x, free[1].train.x)


def test_protocol_of_record():
    tasks = forgetting.permuted(5).draw(0)
    assert [(len(t.train), len(t.validation), len(t.test)) for t in tasks] == [(1437, 0, 360)] * 5
    assert max(t.train.x.max() for t in tasks) == 1.0
    assert min(t.train.x.min() for t in tasks) == 0.0


def test_permutations_are_permutations_of_the_pixels():
    first, second = forgetting.permuted(5).draw(2)[:2]
    # The split is one for all tasks, and the labels stay with their images.
    np.testing.assert_array_equal(first.train.rows, second.train.rows)
    for task in (first, second):
        for part in (task.train, task.test):
            np.testing.assert_array_equal(np.sort(part.x, axis=1), np.sort(X[part.rows] / 16, axis=1))
            np.testing.assert_array_equal(part.y, Y[part.rows])
    # One permutation for all images: the columns are those of the data in another order.
    assert len({tuple(first.train.x[:, j]) for j in range(64)}) == len(
        {tuple(X[first.train.rows, j]) for j in range(64)}
    )
    assert (first.train.x != second.train.x).any()
    # More tasks do not change the first ones.
    np.testing.assert_array_equal(forgetting.permuted(2).draw(2)[1].test.x, second.test.x)
    unpermuted = forgetting.permuted(2, identity_first=True).draw(2)[0]
    np.testing.assert_array_equal(unpermuted.train.x, X[unpermuted.train.rows] / 16)


def test_permutations_are_uniform():
    where = [forgetting.permuted(2, SMALL).draw(seed)[1].train.columns[0] for seed in range(900)]
    counts = np.bincount(where, minlength=3)
    # Three standard deviations of a binomial (900, 1/3).
    assert abs(counts - 300).max() < 3 * np.sqrt(900 * 2 / 9)


def test_shuffled_labels_rename_classes():
    first, second = forgetting.shuffled_labels(2).draw(1)
    np.testing.assert_array_equal(first.train.x, second.train.x)
    np.testing.assert_array_equal(first.train.y, Y[first.train.rows])
    names = {(int(a), int(b)) for a, b in zip(first.train.y, second.train.y, strict=True)}
    assert len(names) == 10
    assert sorted(b for _, b in names) == list(range(10))
    assert any(a != b for a, b in names)
    moved = {(int(a), int(b)) for a, b in zip(first.test.y, second.test.y, strict=True)}
    assert moved <= names
    several = forgetting.shuffled_labels(4).draw(1)
    assert len({task.train.y.tobytes() for task in several}) == 4, "every task has names of its own"


# Standardisation


@pytest.mark.parametrize("recipe", [forgetting.permuted, forgetting.shuffled_labels])
def test_standardised_on_training_samples_only(recipe):
    task = recipe(2, scaling="standardise", validation_fraction=0.2).draw(0)[1]
    x = task.train.x
    np.testing.assert_allclose(x.mean(axis=0), 0, atol=1e-12)
    sd = x.std(axis=0)
    np.testing.assert_allclose(sd[sd > 0], 1, atol=1e-12)
    assert np.isfinite(task.test.x).all()
    columns = np.arange(64) if task.train.columns is None else task.train.columns
    train = X[task.train.rows][:, columns]
    scale = np.where(train.std(axis=0) == 0, 1, train.std(axis=0))
    expected = (X[task.test.rows][:, columns] - train.mean(axis=0)) / scale
    np.testing.assert_allclose(task.test.x, expected, atol=1e-10)
    assert abs(task.test.x.mean(axis=0)).max() > 1e-3, "the test samples have means of their own"


LEAKING = {
    name: recipe
    for name, recipe in RECIPES.items()
    if name.startswith(("rotated", "shifted", "similar", "split"))
}


def scaled_by(raw, means, deviations):
    return {part: (raw.part(part).x - means) / deviations for part in ("train", "validation", "test")}


@pytest.mark.parametrize("order", ["given", "random"])
@pytest.mark.parametrize("name", LEAKING)
def test_one_standardisation_for_all_tasks(name, order):
    # No test may need to know the task of a sample, and no training a sample of a later task.
    options = {"validation_fraction": 0.1} | ({} if name.startswith("similar") else {"order": order})
    if name == "split domain":
        options.pop("order")
    sequence = LEAKING[name](scaling="standardise", **options)
    assert "on the training samples of the first task" in sequence.description
    raw = LEAKING[name](scaling="none", **options).draw(3)
    first = raw[0].train.x
    constant = (first == first[0]).all(axis=0)
    deviations = np.where(constant, 1, first.std(axis=0))
    for found, expected in zip(sequence.draw(3), raw, strict=True):
        for part, x in scaled_by(expected, first.mean(axis=0), deviations).items():
            np.testing.assert_allclose(found.part(part).x, x, atol=1e-9)


@pytest.mark.parametrize("name", LEAKING)
def test_one_mean_and_one_deviation_for_all_inputs(name):
    sequence = LEAKING[name](scaling="standardise_overall")
    assert "one mean and one deviation for all inputs" in sequence.description
    raw = LEAKING[name](scaling="none").draw(5)
    first = raw[0].train.x
    for found, expected in zip(sequence.draw(5), raw, strict=True):
        np.testing.assert_allclose(found.test.x, (expected.test.x - first.mean()) / first.std(), atol=1e-9)
        assert abs(found.train.x).max() < 4


@pytest.mark.parametrize("name", LEAKING)
def test_scalings_that_know_more_say_so(name):
    raw = LEAKING[name](scaling="none").draw(1)
    each = LEAKING[name](scaling="standardise_each_task")
    assert "which the test so has to know" in each.description
    for found in each.draw(1):
        np.testing.assert_allclose(found.train.x.mean(axis=0), 0, atol=1e-9)
    together = LEAKING[name](scaling="standardise_all_tasks")
    assert "also of future ones" in together.description
    everything = np.concatenate([task.train.x for task in raw])
    deviations = np.where(np.ptp(everything, axis=0) == 0, 1, everything.std(axis=0))
    found = together.draw(1)[-1].test.x
    np.testing.assert_allclose(found, (raw[-1].test.x - everything.mean(axis=0)) / deviations, atol=1e-9)


@pytest.mark.parametrize("name", RECIPES)
def test_standardised_by_given_statistics(name):
    means = np.arange(64.0)
    sequence = RECIPES[name](scaling=(means, 4))
    assert "by given means and deviations" in sequence.description
    if name not in LEAKING:
        return
    for found, raw in zip(sequence.draw(2), RECIPES[name](scaling="none").draw(2), strict=True):
        np.testing.assert_allclose(found.test.x, (raw.test.x - means) / 4, atol=1e-9)


# Images


@pytest.mark.parametrize(("degrees", "turns"), [(0, 0), (90, 1), (180, 2), (270, 3), (-90, 3), (360, 0)])
def test_right_angles_are_exact(degrees, turns):
    expected = np.rot90(DIGITS.images[:20], turns, axes=(1, 2)).reshape(20, 64)
    np.testing.assert_array_equal(rotate_rows(X[:20], (8, 8), degrees), expected)
    bytes_ = X[:20].astype(np.uint8)
    turned = rotate_rows(bytes_, (8, 8), degrees)
    assert turned.dtype == np.uint8
    np.testing.assert_array_equal(turned, expected)


@pytest.mark.parametrize("degrees", [15.0, -37.5, 123.0])
def test_rotation_agrees_with_scipy(degrees):
    images = DIGITS.images[:10]
    # Zeros around the image, so that both interpolate towards zero at its edge.
    padded = np.pad(images, ((0, 0), (4, 4), (4, 4)))
    expected = ndimage.rotate(padded, degrees, axes=(2, 1), reshape=False, order=1, mode="constant")[
        :, 4:-4, 4:-4
    ]
    np.testing.assert_allclose(rotate_rows(X[:10], (8, 8), degrees).reshape(-1, 8, 8), expected, atol=1e-9)


@given(st.integers(-4, 4), st.integers(-5, 5))
def test_shifts(down, right):
    image = np.arange(1, 13).reshape(3, 4)
    moved = shift_rows(image.reshape(1, 12), (3, 4), down, right).reshape(3, 4)
    for row, column in itertools.product(range(3), range(4)):
        from_row, from_column = row - down, column - right
        inside = 0 <= from_row < 3 and 0 <= from_column < 4
        assert moved[row, column] == (image[from_row, from_column] if inside else 0)


def test_images_of_rotated_and_shifted_tasks():
    plain, turned = forgetting.rotated([0, 90]).draw(0)
    np.testing.assert_array_equal(plain.train.x, X[plain.train.rows] / 16)
    expected = np.rot90(plain.train.x.reshape(-1, 8, 8), 1, axes=(1, 2)).reshape(-1, 64)
    np.testing.assert_array_equal(turned.train.x, expected)
    moved = forgetting.shifted([(0, 0), (2, -1)]).draw(0)[1].test.x.reshape(-1, 8, 8)
    still = forgetting.shifted([(0, 0), (2, -1)]).draw(0)[0].test.x.reshape(-1, 8, 8)
    np.testing.assert_array_equal(moved[:, 2:, :7], still[:, :6, 1:])


def test_random_order_is_an_order_of_the_same_tasks():
    sequence = forgetting.rotated([0, 20, 40, 60], order="random")
    orders = {tuple(task.name for task in sequence.draw(seed)) for seed in range(6)}
    assert len(orders) > 1
    assert {tuple(sorted(order)) for order in orders} == {tuple(sorted(["0°", "20°", "40°", "60°"]))}
    assert sequence.task_names == ("task 1", "task 2", "task 3", "task 4")


# Split


def test_split_gives_every_class_to_one_task():
    for order in ("given", "random"):
        tasks = forgetting.split(5, order=order).draw(0)
        assert sorted(itertools.chain(*(task.classes for task in tasks))) == list(range(10))
        for task in tasks:
            np.testing.assert_array_equal(np.unique(task.train.y), task.classes)
            np.testing.assert_array_equal(np.unique(task.test.y), task.classes)
            np.testing.assert_array_equal(task.train.y, Y[task.train.rows])
    orders = {tuple(task.classes for task in forgetting.split(5).draw(seed)) for seed in range(4)}
    assert len(orders) > 1


def test_split_uses_all_samples_or_equally_many_of_each_class():
    everything = forgetting.split(5, order="given").draw(0)
    assert sum(len(t.train) + len(t.test) for t in everything) == 1797
    even = forgetting.split(5).draw(0)
    smallest = np.bincount(Y).min()
    for task in even:
        counts = np.bincount(np.concatenate([task.train.y, task.test.y]), minlength=10)
        assert set(counts[list(task.classes)]) == {smallest}


def test_domain_incremental_reuses_the_outputs():
    sequence = forgetting.split(5, scenario="domain")
    assert sequence.n_classes == 2
    for task in sequence.draw(0):
        low, high = map(int, task.name.removeprefix("classes ").split(", "))
        np.testing.assert_array_equal(Y[task.train.rows], np.where(task.train.y == 0, low, high))
        assert not task.masked


def test_task_incremental_has_masks():
    sequence = forgetting.split(5, scenario="task")
    tasks = sequence.draw(0)
    assert all(task.masked for task in tasks)
    batch = stack_tasks([sequence.draw(s)[0] for s in (0, 1)], n_classes=10)
    assert batch.active.shape == (2, 10)
    for row, seed in zip(batch.active, (0, 1), strict=True):
        assert tuple(torch.nonzero(row).ravel().tolist()) == sequence.draw(seed)[0].classes
    assert stack_tasks([forgetting.split(5).draw(0)[0]]).active is None


def test_heads_of_their_own():
    single = forgetting.permuted(3)
    heads = forgetting.multi_head(single)
    assert heads.n_classes == 30
    for t, (task, plain) in enumerate(zip(heads.draw(4), single.draw(4), strict=True)):
        np.testing.assert_array_equal(task.train.y, plain.train.y + 10 * t)
        assert task.classes == tuple(range(10 * t, 10 * t + 10))
        assert task.masked
    # Classes that are disjoint keep their numbers.
    assert forgetting.multi_head(forgetting.split(5)).n_classes == 10
    np.testing.assert_array_equal(
        forgetting.multi_head(forgetting.split(5)).draw(0)[2].train.y, forgetting.split(5).draw(0)[2].train.y
    )


# Pairs


def test_dissimilar_pair_is_digits_then_cancer():
    old, new = forgetting.dissimilar_pair().draw(0)
    assert old.n_inputs == new.n_inputs == 64
    assert old.classes == new.classes == (0, 1)
    images = {row.tobytes(): label for row, label in zip(X / 16, Y, strict=True)}
    assert [images[row.tobytes()] for row in old.test.x] == [9 if y else 2 for y in old.test.y]
    cancer = datasets.load_breast_cancer()
    # Distances survive the projection; so each sample is found by its distances in standardised features.
    rows = forgetting.dissimilar_pair().draw(0)[1].train.x
    assert np.linalg.matrix_rank(rows) == 30
    back = rows @ projection(30, 64).T
    np.testing.assert_allclose(back.mean(axis=0), 0, atol=1e-10)
    np.testing.assert_allclose(back.std(axis=0), 1, atol=1e-10)
    assert len(new.train) + len(new.test) == len(cancer.target)


@settings(max_examples=20)
@given(st.integers(1, 12), st.integers(1, 12), st.integers(0, 5))
def test_projection_is_orthonormal(n_from, n_to, seed):
    matrix = projection(n_from, n_to, seed)
    gram = matrix @ matrix.T if n_from <= n_to else matrix.T @ matrix
    np.testing.assert_allclose(gram, np.eye(min(n_from, n_to)), atol=1e-12)


def test_project_brings_tasks_to_one_size():
    task = Task("small", SMALL, SMALL)
    wide = forgetting.project(task, 5)
    np.testing.assert_allclose(
        np.linalg.norm(np.diff(wide.train.x, axis=0), axis=1),
        np.linalg.norm(np.diff(SMALL[0], axis=0), axis=1),
    )
    padded = forgetting.project(task, 5, kind="zeros")
    np.testing.assert_array_equal(padded.test.x, np.pad(SMALL[0], ((0, 0), (0, 2))))
    with pytest.raises(TaskError, match="zeros cannot make 2"):
        forgetting.project(task, 2, kind="zeros")


def test_analogues_are_named_so():
    for sequence in (forgetting.reformatted_pair(), forgetting.similar_pair(), forgetting.dissimilar_pair()):
        assert "analogue" in sequence.name
        assert len(sequence) == 2


# In the plane


@pytest.mark.parametrize("shape", ["moons", "xor", "spirals", "halves"])
def test_plane(shape):
    sequence = forgetting.plane(3, shape, noise=0, n_validation=10)
    tasks = sequence.draw(0)
    for task in tasks:
        assert task.train.x.shape == (200, 2)
        assert np.bincount(task.train.y).tolist() == [100, 100]
        assert abs(task.train.x).max() < 2


def test_halves_are_turned_counter_clockwise():
    for task, angle in zip(
        forgetting.plane(2, "halves", angles=[0, 90], noise=0).draw(0), (0, 90), strict=True
    ):
        direction = np.array([np.cos(np.deg2rad(angle)), np.sin(np.deg2rad(angle))])
        np.testing.assert_array_equal(task.train.x @ direction > 0, task.train.y == 1)


def test_turns_keep_the_orientation():
    np.testing.assert_allclose(np.eye(2) @ tasks_plane._turn(90), [[0, 1], [-1, 0]], atol=1e-15)
    np.testing.assert_allclose(np.eye(2) @ tasks_plane._turn(45), np.sqrt(0.5) * np.array([[1, 1], [-1, 1]]))


def test_xor_has_opposite_clouds():
    x, y = forgetting.plane(1, "xor", noise=0).draw(0)[0].train
    assert ((x[:, 0] * x[:, 1] > 0) == (y == 0)).mean() > 0.99


# Batches


def test_gather_takes_the_right_rows():
    sequence = forgetting.permuted(2, scaling="standardise")
    tasks = [sequence.draw(seed)[1] for seed in (0, 5, 7)]
    batch = stack_tasks(tasks, dtype=torch.float64)
    rows = torch.tensor([[0, 7, 7], [3, 2, 1], [1436, 0, 5]])
    x, y = batch.gather("train", rows)
    for m, task in enumerate(tasks):
        np.testing.assert_allclose(x[m], task.train.x[rows[m]], atol=1e-13)
        np.testing.assert_array_equal(y[m], task.train.y[rows[m]])
    assert batch.size("train") == 1437
    assert batch.size("validation") == 0
    empty = batch.gather("validation", torch.empty(3, 0, dtype=torch.int64))
    assert empty[0].shape == (3, 0, 64)


@pytest.mark.parametrize("scaling", ["unit", "standardise", "none"])
@pytest.mark.parametrize("recipe", [forgetting.permuted, forgetting.shuffled_labels])
def test_shared_and_copied_samples_are_the_same_to_the_last_bit(monkeypatch, scaling, recipe):
    images = forgetting.labelled("bytes", DIGITS.images.astype(np.uint8), Y, full_scale=16)
    tasks = [recipe(2, images, scaling=scaling).draw(seed)[1] for seed in (0, 1)]
    copied, alone = stack_tasks(tasks), stack_tasks(tasks[1:])
    for part in ("train", "test"):
        copied.whole(part), alone.whole(part)
    monkeypatch.setattr(batches, "_LARGEST_COPY", 0)
    shared = stack_tasks(tasks)
    assert type(shared._part("train")) is not type(copied._part("train"))
    rows = torch.tensor([[5, 1, 9], [0, 0, 3]])
    for part in ("train", "test"):
        for a, b in zip(copied.gather(part, rows), shared.gather(part, rows), strict=True):
            assert torch.equal(a, b)
        for a, b in zip(copied.gather(part, rows), alone.gather(part, rows[1:]), strict=True):
            assert torch.equal(a[1:], b)
        assert torch.equal(copied.whole(part)[0], shared.whole(part)[0])


def test_members_with_different_arrays(monkeypatch):
    monkeypatch.setattr(batches, "_LARGEST_COPY", 0)
    rng = np.random.default_rng(0)
    arrays = [(rng.normal(size=(6, 2)), np.arange(6) % 2) for _ in range(3)]
    batch = stack_tasks([Task("t", pair, pair) for pair in arrays], dtype=torch.float64)
    x, _ = batch.gather("test", torch.tensor([[5], [4], [0]]))
    np.testing.assert_array_equal(x[:, 0], [arrays[0][0][5], arrays[1][0][4], arrays[2][0][0]])


def test_members_of_different_sizes_are_refused():
    small, smaller = Task("a", SMALL, SMALL), Task("a", SMALL, (SMALL[0][:5], SMALL[1][:5]))
    with pytest.raises(TaskError, match=r"same number of test samples.*\[5, 40\]"):
        stack_tasks([small, smaller])


# Seeds


def test_purposes_have_streams_of_their_own():
    draws = {
        purpose: generator(0, *purpose).integers(2**62)
        for purpose in [("a",), ("b",), ("a", 1), ("a", 2), ("a", 1, 1)]
    }
    assert len(set(draws.values())) == 5
    assert generator(0, "a").integers(2**62) == draws[("a",)] != generator(1, "a").integers(2**62)
    assert seed_sequence(0, "split").entropy == 0


@pytest.mark.parametrize(
    ("seeds", "message"),
    [
        ([], "at least one seed"),
        ([1, 2, 1], "contain 1 more than once"),
        ([0, -1], "-1"),
        ([0.5], "0.5"),
        ([True], "True"),
        (["0"], "'0'"),
        (5, r"range\(5\)"),
        ("012", "list of non-negative"),
        (None, "list of non-negative"),
        ([2**63], "2\\*\\*63"),
    ],
)
def test_wrong_seeds(seeds, message):
    with pytest.raises(ConfigError, match=message):
        check_seeds(seeds)


def test_right_seeds():
    assert check_seeds(range(3)) == check_seeds(np.arange(3)) == check_seeds(iter([0, 1, 2])) == (0, 1, 2)


# What cannot be used


NAN = SMALL[0].copy()
NAN[7, 1] = np.nan


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: Task("a", (np.empty((0, 3)), np.empty(0, int)), SMALL), "'a' has no train samples"),
        (lambda: Task("a", SMALL, None), "'a' has no test samples"),
        (lambda: Task("a", (NAN, SMALL[1]), SMALL), "NaN or infinity in 1 of 40 samples, first in sample 7"),
        (lambda: Task("a", (SMALL[0], SMALL[1] - 1), SMALL), "classes 0, 1, 2"),
        (lambda: Task("a", (SMALL[0], SMALL[1] + 0.5), SMALL), "classes 0, 1, 2"),
        (lambda: Task("a", (SMALL[0], SMALL[1][:-1]), SMALL), r"x \(40, 3\) float64 and y \(39,\)"),
        (lambda: Task("a", SMALL[0], SMALL), "pair \\(x, y\\)"),
        (lambda: Task("a", (SMALL[0].astype(str), SMALL[1]), SMALL), "numbers x"),
        (lambda: Task("a", SMALL, (SMALL[0][:, :2], SMALL[1])), "different numbers of inputs"),
        (lambda: Task("a", SMALL, SMALL, classes=[0, 1]), r"labels \[2, 3\] that are not among its classes"),
        (lambda: forgetting.permuted(0), "n_tasks"),
        (lambda: forgetting.permuted(2.5), "n_tasks"),
        (lambda: forgetting.permuted(2, "digit"), "Did you mean 'digits'"),
        (lambda: forgetting.permuted(2, 7), "got int"),
        (lambda: forgetting.permuted(2, scaling="standardize"), "Did you mean 'standardise'"),
        (lambda: forgetting.permuted(2, scaling=(0, 0)), "positive deviations"),
        (lambda: forgetting.permuted(2, scaling=(0, 1, 2)), "pair of means"),
        (lambda: forgetting.permuted(2, scaling=3), "pair of means"),
        (lambda: forgetting.permuted(2, scaling=(np.zeros(3), 1)).draw(0), r"each of the 64 inputs.*\(3,\)"),
        (lambda: forgetting.permuted(2, test_fraction=1.5), "test_fraction between 0 and 1"),
        (lambda: forgetting.permuted(2, validation_fraction=-0.1), "validation_fraction from 0"),
        (lambda: forgetting.permuted(2, fixed_seed=-1), "fixed_seed"),
        (
            lambda: forgetting.permuted(2, (np.ones((2, 2)), [0, 1]), test_fraction=0.9).draw(0),
            "2 samples of arrays",
        ),
        (lambda: forgetting.permuted(2, (NAN, SMALL[1])), "NaN"),
        (lambda: forgetting.permuted(2, (np.ones((2, 0)), [0, 1])), "no inputs"),
        (lambda: forgetting.rotated([0, "x"]), "angles"),
        (lambda: forgetting.rotated([]), "at least one task"),
        (lambda: forgetting.rotated(data="wine"), "needs images"),
        (lambda: forgetting.rotated(order="randm"), "Did you mean 'random'"),
        (lambda: forgetting.shifted([1, 2]), "pairs of whole pixels"),
        (lambda: forgetting.shifted([(0, 8)]), "out of sight"),
        (lambda: forgetting.split(3), "10 classes, which 3 tasks"),
        (lambda: forgetting.split(10, scenario="task"), "two classes or more"),
        (lambda: forgetting.split(5, scenario="tasks"), "Did you mean 'task'"),
        (lambda: forgetting.similar_pair("scaled"), "Expected change .* got 'scaled'"),
        (lambda: forgetting.similar_pair(amount=0.5), "whole pixels"),
        (lambda: forgetting.plane(2, "moon"), "Did you mean 'moons'"),
        (lambda: forgetting.plane(2, angles=[0]), "2 angles"),
        (lambda: forgetting.plane(2, noise=-1), "noise"),
        (lambda: forgetting.plane(2, n_test=0), "two samples"),
    ],
)
def test_impossible_tasks(make, message):
    with pytest.raises(TaskError, match=message):
        make()


def test_lists_of_tasks_that_do_not_go_together():
    from plnet.forgetting.tasks.task import as_sequence, check_tasks

    small, wide = Task("a", SMALL, SMALL), forgetting.project(Task("b", SMALL, SMALL), 5)
    with pytest.raises(TaskError, match=r"different numbers of inputs \('a': 3, 'b': 5\).*project"):
        as_sequence([small, wide])
    with pytest.raises(TaskError, match="at least one task"):
        as_sequence([])
    with pytest.raises(TaskError, match="got str"):
        as_sequence(["a"])
    with pytest.raises(TaskError, match="list of tasks"):
        as_sequence(small)
    with pytest.raises(TaskError, match=r"label 3, but the network has 3 outputs.*4 outputs"):
        check_tasks([small], n_classes=3)
    assert as_sequence([small, small]).n_classes == 4


# Files and downloads


def idx(array, kind, path, compress=False):
    code = {"u1": 8, "i4": 12}[kind]
    content = bytes([0, 0, code, array.ndim]) + struct.pack(f">{array.ndim}I", *array.shape)
    content += array.astype(f">{kind}").tobytes()
    path.write_bytes(gzip.compress(content, mtime=0) if compress else content)
    return path


@pytest.mark.parametrize("compress", [False, True])
def test_idx_files(tmp_path, compress):
    x, y = np.arange(48).reshape(4, 3, 4), np.array([0, 1, 1, 0])
    paths = [
        idx(x, "u1", tmp_path / "images", compress),
        idx(y, "u1", tmp_path / "labels", compress),
        idx(x[:2] + 100, "u1", tmp_path / "t-images", compress),
        idx(y[:2], "i4", tmp_path / "t-labels", compress),
    ]
    data = forgetting.from_idx(*paths)
    assert data.shape == (3, 4)
    assert (data.full_scale, data.n_test, len(data)) == (255.0, 2, 6)
    np.testing.assert_array_equal(data.x[:4], x.reshape(4, 12))
    np.testing.assert_array_equal(data.y, [0, 1, 1, 0, 0, 1])
    task = forgetting.permuted(1, data, identity_first=True).draw(0)[0]
    np.testing.assert_array_equal(np.sort(task.test.x[:, 0]), np.array([100, 112]) / 255)
    assert len(task.train) == 4


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "begins with nothing"),
        (b"PNG.....", "not a readable IDX file .*begins with 50 4e 47 2e"),
        (bytes([0, 0, 8, 2, 0, 0]), "a shape"),
        (bytes([0, 0, 8, 1, 0, 0, 0, 9, 1, 2]), "announces 9, 9 bytes of numbers, and has fewer"),
        (bytes([0, 0, 8, 1, 0, 0, 0, 1, 1, 2]), "announces 1, 1 bytes of numbers, and has more"),
        (bytes([0, 0, 8, 255]) + 4 * 255 * b"\xff", "fewer"),
        (b"\x1f\x8b\x00", "not a readable IDX file"),
        (gzip.compress(bytes([0, 0, 14, 3]) + 12 * b"\x7f", mtime=0), "fewer"),
    ],
)
def test_damaged_idx_files(tmp_path, content, message):
    path = tmp_path / "images"
    path.write_bytes(content)
    with pytest.raises(FileFormatError, match=message):
        read_idx(path)
    with pytest.raises(FileFormatError, match="No file"):
        read_idx(tmp_path / "none")


def test_npz_files(tmp_path):
    own, keras = tmp_path / "own.npz", tmp_path / "mnist.npz"
    np.savez(own, x=SMALL[0], y=SMALL[1])
    images = np.arange(72, dtype=np.uint8).reshape(8, 3, 3)
    np.savez(keras, x_train=images[:6], y_train=np.arange(6) % 2, x_test=images[6:], y_test=np.arange(2))
    assert forgetting.permuted(2, str(own)).draw(0)[0].n_inputs == 3
    data = forgetting.load_data(keras)
    assert (data.n_test, data.full_scale, data.shape) == (2, 255.0, (3, 3))
    np.savez(tmp_path / "bad.npz", a=1)
    with pytest.raises(FileFormatError, match="no arrays x and y; it holds a"):
        forgetting.from_npz(tmp_path / "bad.npz")
    with pytest.raises(FileFormatError, match="No file"):
        forgetting.from_npz(tmp_path / "none.npz")
    (tmp_path / "text.npz").write_text("x", encoding="utf-8")
    with pytest.raises(FileFormatError, match="not a readable npz"):
        forgetting.from_npz(tmp_path / "text.npz")


@pytest.fixture
def openml(monkeypatch, tmp_path):
    """Put a small data set in the place of OpenML, and count the downloads."""
    calls = []

    def fetch(*, name, version, as_frame, parser):
        calls.append(name)
        x = np.arange(30 * 784).reshape(30, 784) % 256
        return type("Bunch", (), {"data": x, "target": np.array([str(k % 10) for k in range(30)])})()

    monkeypatch.setenv("SCIKIT_LEARN_DATA", str(tmp_path))
    monkeypatch.setattr(datasets, "fetch_openml", fetch)
    entries = {key: data_openml._Entry(entry.name, n_test=10) for key, entry in data_openml.OPENML.items()}
    monkeypatch.setattr(data_openml, "OPENML", entries)
    data_openml.from_openml.cache_clear()
    yield calls
    data_openml.from_openml.cache_clear()


def test_downloads_are_kept(openml):
    data = forgetting.load_data("fashion_mnist")
    assert (data.shape, data.n_test, data.x.dtype, data.n_classes) == ((28, 28), 10, np.uint8, 10)
    data_openml.from_openml.cache_clear()
    np.testing.assert_array_equal(forgetting.load_data("fashion_mnist").x, data.x)
    assert openml == ["Fashion-MNIST"]
    task = forgetting.permuted(2, "fashion_mnist", validation_fraction=0.25).draw(0)[0]
    assert (len(task.train), len(task.validation), len(task.test)) == (15, 5, 10)
    assert set(row_numbers(task.test)) == set(range(20, 30)), "its own test set"


def test_no_network(openml, monkeypatch):
    def fetch(**_):
        raise OSError("Network is unreachable")

    monkeypatch.setattr(datasets, "fetch_openml", fetch)
    with pytest.raises(TaskError, match=r"could not be downloaded.*unreachable.*data='digits'.*from_idx"):
        forgetting.permuted(2, "mnist")


def test_no_sklearn(monkeypatch):
    from plnet.forgetting.data import sklearn as data_sklearn

    data_sklearn.from_sklearn.cache_clear()
    monkeypatch.setitem(sys.modules, "sklearn", None)
    with pytest.raises(MissingExtraError, match=r"plnet\[data\]"):
        forgetting.permuted(2)


# Users' arrays


@settings(max_examples=25, deadline=None)
@given(
    st.integers(10, 60),
    st.floats(0.05, 0.6),
    st.floats(0, 0.5),
    st.integers(0, 2**40),
)
def test_every_split_is_a_partition(n, test_fraction, validation_fraction, seed):
    data = forgetting.labelled("any", np.arange(2.0 * n).reshape(n, 2), np.arange(n) % 2)
    prepared = Preparation(test_fraction, validation_fraction)
    try:
        rows = prepared.rows(data, seed)
    except PLNetError:
        assert n * (1 - test_fraction) * (1 - validation_fraction) < 3
        return
    assert sorted(np.concatenate(list(rows.values())).tolist()) == list(range(n))
    assert len(rows["test"]) == np.ceil(test_fraction * n)


def test_tensors_and_lists_are_data():
    x = torch.arange(12.0).reshape(6, 2)
    task = Task("t", (x, torch.arange(6) % 2), (x.tolist(), [0, 1, 0, 1, 0, 1]))
    np.testing.assert_array_equal(task.train.x, task.test.x)
    assert forgetting.permuted(2, (x, torch.arange(6) % 2)).draw(0)[0].n_inputs == 2


def test_arrays_of_a_user_are_not_changed():
    x, y = SMALL[0].copy(), SMALL[1].copy()
    task = Task("t", (x, y), (x, y))
    x[0, 0] = 99
    assert task.train.x[0, 0] == 0
    assert x.flags.writeable
