"""Suggestions for misspelt words, and labels that are no class numbers."""

from __future__ import annotations

import numpy as np
import pytest

import plnet
from plnet.checks import closest
from plnet.errors import ConfigError, EngineError, FileFormatError, PLNetError, TaskError
from plnet.forgetting import Task, permuted, train_sequence
from plnet.networks import initialise, mlp
from plnet.runs.jobs.count_regions.data import split


@pytest.mark.parametrize(
    ("word", "known", "expected"),
    [
        ("Relu", ["elu", "relu"], "relu"),
        ("RELU", ["elu", "relu"], "relu"),
        ("relu", ["ReLU", "elu"], "ReLU"),
        ("Maxuot", ["maxout", "abs"], "maxout"),
        ("sigmoid", ["relu"], None),
    ],
)
def test_small_and_capital_letters_are_alike(word, known, expected):
    assert closest(word, known) == expected


@pytest.mark.parametrize(
    ("call", "suggestion"),
    [
        (lambda: mlp([2, 8, 1], "Relu"), "relu"),
        (lambda: mlp([2, 8, 1], "PReLU"), "prelu"),
        (lambda: initialise(mlp([2, 8, 1]), "He"), "he"),
        (lambda: plnet.count_regions(mlp([2, 8, 1]), engine="CELLS"), "cells"),
        (lambda: permuted(2, data="DIGITS"), "digits"),
    ],
)
def test_every_room_suggests_the_word_in_small_letters(call, suggestion):
    with pytest.raises((PLNetError, EngineError), match=f"Did you mean '{suggestion}'"):
        call()


X = np.random.RandomState(0).randn(20, 3)


def _labels(largest: int) -> np.ndarray:
    y = np.arange(20) % 2
    y[7] = largest
    return y


def test_labels_that_are_no_class_numbers_are_refused():
    # The runs of plnet read data with `split`, the tasks of the forgetting room with `labelled`.
    message = r"largest label .* is 1000000, which would take 1000001 outputs for 20 samples"
    with pytest.raises(FileFormatError, match=message):
        split("mine", X, _labels(10**6), rng=0, test_fraction=0.2)
    with pytest.raises(TaskError, match=message):
        permuted(2, data=(X, _labels(10**6)))
    task = Task("first", (X, _labels(10**6)), test=(X, _labels(1)))
    with pytest.raises(TaskError, match=message):
        train_sequence([task], [4], seeds=[0])


def test_many_classes_with_few_samples_are_no_mistake():
    assert split("mine", X, _labels(999), rng=0, test_fraction=0.2).n_classes == 1000
    many = np.arange(3000)
    assert split("mine", np.ones((3000, 2)), many, rng=0, test_fraction=0.2).n_classes == 3000


@pytest.mark.parametrize(
    ("widths", "options"),
    [
        ([2, 10**12, 1], {}),
        ([10**12, 1], {}),
        ([2, 10**30, 1], {}),
        ([2, 10**12, 1], {"activation": "prelu", "batch_norm": True}),
        ([2, 3, 1], {"activation": "maxout", "pieces": 10**12}),
        ([2, 3, 1], {"activation": "maxout", "pieces": 10**30}),
    ],
)
def test_networks_that_no_memory_holds_are_refused_in_words(widths, options):
    with pytest.raises(ConfigError, match=r"Layers of the sizes .* do not fit into memory"):
        mlp(widths, **options)


@pytest.mark.parametrize("width", [10**12, 10**30])
def test_the_forgetting_room_says_so_too(width):
    with pytest.raises(ConfigError, match=rf"Layers of the sizes 3, {width}, 2 do not fit into memory"):
        train_sequence(permuted(2, data=(X, _labels(1))), [width], seeds=[0])
