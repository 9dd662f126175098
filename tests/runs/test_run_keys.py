"""The key of a run: equal for equal configurations, however they are written, and different otherwise."""

import math

import pytest
from hydra import compose, initialize_config_dir
from hypothesis import given
from hypothesis import strategies as st
from omegaconf import OmegaConf

from plnet.errors import ConfigError
from plnet.runs import config_dir, register_schemas
from plnet.runs.store.inputs import with_inputs
from plnet.runs.store.keys import plain_config, run_key, scientific_part

register_schemas()


def key_of(config, **options):
    return run_key("job", 1, with_inputs(scientific_part(plain_config(config)), **options))


def composed(*overrides):
    with initialize_config_dir(str(config_dir()), version_base="1.3"):
        return compose("count_regions", overrides=list(overrides))


@pytest.fixture(scope="module")
def default():
    return key_of(composed())


@pytest.mark.parametrize(
    "overrides",
    [
        ["training.optimiser.lr=1e-3"],
        ["training.optimiser.lr=0.0010"],
        ["seed=0", "network=mlp"],
        ["network=mlp", "seed=0"],
        ["domain.margin=0.5", "data.test_fraction=0.2"],
        ["runtime.threads=4"],
        ["runtime.deterministic=true"],
        ["paths.runs=elsewhere", "paths.export=there"],
        ["plot=none"],
        ["plot.color_by=class"],
        ["engine.n_jobs=2"],
        ["rerun=all", "when_locked=skip"],
        ["launch=serial"],
    ],
)
def test_same_science_same_key(overrides, default):
    assert key_of(composed(*overrides)) == default


@pytest.mark.parametrize(
    "overrides",
    [
        ["seed=1"],
        ["training.optimiser.lr=0.002"],
        ["training.epochs=61"],
        ["engine=cells"],
        ["engine.max_regions=100"],
        ["network.bias=false"],
        ["domain=segment"],
        ["training=none"],
        ["network.widths=[64,64,10]"],
        ["domain.classes=[0,1,2]"],
        ["domain.classes=[0,2,1]"],
    ],
)
def test_other_science_other_key(overrides, default):
    assert key_of(composed(*overrides)) != default


def test_whole_numbers_are_one_number():
    wanted = key_of({"low": -1, "high": [1, 2.5]})
    assert key_of({"high": [1.0, 2.5], "low": -1.0}) == wanted
    box = ["domain=box", "data=none", "training=none"]
    assert key_of(composed(*box, "domain.low=-1")) == key_of(composed(*box, "domain.low=-1.0"))
    assert key_of(composed("domain.margin=1")) == key_of(composed("domain.margin=1.0"))


def test_kinds_of_values_stay_apart():
    values = [True, 1, "1", None, "null", [1], {"x": 1}, 0.1, math.nan, "nan", math.inf, -math.inf, [], {}]
    keys = [key_of({"a": value}) for value in values]
    assert len(set(keys)) == len(values)
    assert key_of({"a": math.nan}) == key_of({"a": float("nan")})
    assert key_of({"a": 1, "b": None}) != key_of({"a": 1})


def test_job_and_schema_count():
    part = {"a": 1}
    assert len({run_key("a", 1, part), run_key("b", 1, part), run_key("a", 2, part)}) == 3


def test_key_is_what_the_documents_say():
    # By hand: printf '{"config":{"a":1},"job":"demo","schema":1}' | sha256sum
    assert run_key("demo", 1, {"a": 1.0}) == "36cac90d27bea905"


plain = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=4),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=3),
    max_leaves=8,
)


@given(st.dictionaries(st.text(max_size=3), plain, max_size=5), st.randoms())
def test_order_of_entries_does_not_count(part, order):
    names = list(part)
    order.shuffle(names)
    assert run_key("a", 1, part) == run_key("a", 1, {name: part[name] for name in names})


@given(plain, plain)
def test_only_equal_values_share_a_key(first, second):
    def tagged(value):
        """Return the value with booleans told from numbers; Python holds True == 1."""
        if isinstance(value, dict):
            return {name: tagged(entry) for name, entry in value.items()}
        if isinstance(value, list):
            return [tagged(entry) for entry in value]
        return (isinstance(value, bool), value)

    same = run_key("a", 1, {"x": first}) == run_key("a", 1, {"x": second})
    assert same == (tagged(first) == tagged(second))


def test_content_of_input_files_counts_and_not_their_place(tmp_path):
    for name, text in (("a.pt", "one"), ("b.pt", "one"), ("c.pt", "two")):
        tmp_path.joinpath(name).write_text(text, encoding="utf-8")

    def key(path, entry="network.path"):
        return key_of({"network": {"path": str(path)}, "other": 1}, files=(entry, "data.path"))

    assert key(tmp_path / "a.pt") == key(tmp_path / "b.pt") != key(tmp_path / "c.pt")
    before = key(tmp_path / "a.pt")
    tmp_path.joinpath("a.pt").write_text("changed", encoding="utf-8")
    assert key(tmp_path / "a.pt") != before
    assert key(tmp_path / "missing.pt") != key(tmp_path / "missing2.pt")


# What has no key


@pytest.mark.parametrize(
    ("config", "message"),
    [
        (OmegaConf.create({"a": {"b": "???"}}), r"no value for a\.b"),
        (OmegaConf.create({"a": {"b": "${nothing}"}}), r"entry a\.b .* has no value.*nothing"),
        (OmegaConf.create({"a": [1, "${nothing.more}"]}), r"entry a\.1 .* has no value"),
        (OmegaConf.create({"a": "${oc.env:PLNET_NO_SUCH_VARIABLE}"}), r"entry a .*PLNET_NO_SUCH_VARIABLE"),
        ({"a": {"b": [1, object()]}}, r"entry a\.b\[1\] .* is a object"),
        ({"a": {1, 2}}, r"entry a .* is a set"),
        ({"a": 1 + 2j}, r"entry a .* is a complex"),
        (OmegaConf.create({"a": b"bytes"}), r"entry a .* is a bytes"),
        (
            OmegaConf.create({"a": {"f": print}}, flags={"allow_objects": True}),
            r"entry a\.f .* builtin_function",
        ),
    ],
)
def test_entries_without_a_form_are_named(config, message):
    with pytest.raises(ConfigError, match=message):
        key_of(config)


def test_interpolations_are_resolved():
    assert key_of(OmegaConf.create({"a": 2, "b": "${a}"})) == key_of({"a": 2, "b": 2})


def test_only_what_says_where_and_how_fast_is_left_out():
    part = scientific_part(
        {"runtime": 1, "paths": 1, "launch": 1, "hydra": 1, "plot": 1, "rerun": 1, "when_locked": 1}
        | {"engine": {"n_jobs": 4, "name": "auto"}, "seed": 3, "own": {"x": 1}},
        leave_out=["own.x"],
    )
    assert part == {"engine": {"name": "auto"}, "seed": 3, "own": {}}
