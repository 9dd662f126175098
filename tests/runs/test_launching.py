"""Launching: cores, devices, plugins, sweeps, code of the user, and messages where something is missing."""

import copy
import json
import os
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest
from hydra.core.config_store import ConfigStore
from hydra.core.global_hydra import GlobalHydra
from hydra.types import RunMode
from omegaconf import OmegaConf

from plnet.errors import ConfigError, MissingExtraError
from plnet.runs import config_dir, register_schemas
from plnet.runs.config import plugins as launch_plugins
from plnet.runs.config.user_code import load_attribute, source_digest
from plnet.runs.jobs.config_parts import call_of
from plnet.runs.store.inputs import with_inputs
from plnet.runs.sweeps import launch_devices, launching, thread_budget
from plnet.runs.sweeps.launch_devices import choose_device, claim_slot, visible_devices
from plnet.runs.sweeps.launch_sweep import sweep_size
from plnet.runs.sweeps.launching import PrepareLaunch, prepare_sweep
from plnet.runs.sweeps.thread_budget import available_cores, own_threads, set_thread_variables, threads_each

register_schemas()


@pytest.fixture(autouse=True)
def own_environment(monkeypatch):
    """Give back every variable that a launch sets."""
    for name in (
        *thread_budget.THREAD_VARIABLES,
        "PLNET_THREADS",
        "PLNET_SWEEP_DEVICES",
        "SLURM_CPUS_PER_TASK",
    ):
        monkeypatch.setenv(name, "")
        monkeypatch.delenv(name)


def composed(*overrides):
    """Compose count_regions.py as Hydra does for a sweep."""
    from hydra import initialize_config_dir

    with initialize_config_dir(str(config_dir()), version_base="1.3"):
        return (
            GlobalHydra.instance()
            .config_loader()
            .load_configuration("count_regions", list(overrides), run_mode=RunMode.MULTIRUN)
        )


# Threads


def control_group(tmp_path, monkeypatch, line, files):
    root = tmp_path / "cgroup"
    for name, text in files.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    (tmp_path / "self").write_text(line, encoding="utf-8")
    monkeypatch.setattr(thread_budget, "_CGROUP_ROOT", root)
    monkeypatch.setattr(thread_budget, "_CGROUP_SELF", tmp_path / "self")
    monkeypatch.setattr(thread_budget, "_affinity", lambda: 64)


@pytest.mark.parametrize(
    ("line", "files", "cores"),
    [
        ("0::/a/b\n", {"a/b/cpu.max": "300000 100000\n"}, 3),
        ("0::/a/b\n", {"a/b/cpu.max": "max 100000\n", "a/cpu.max": "150000 100000\n"}, 2),
        ("0::/../elsewhere\n", {"cpu.max": "50000 100000\n"}, 1),
        ("0::/a\n", {"a/cpu.max": "max 100000\n"}, 64),
        ("0::/a\n", {"a/cpu.max": "rubbish"}, 64),
        (
            "4:cpu,cpuacct:/a\n",
            {"cpu/a/cpu.cfs_quota_us": "800000\n", "cpu/a/cpu.cfs_period_us": "100000\n"},
            8,
        ),
        ("4:cpu:/a\n", {"cpu/a/cpu.cfs_quota_us": "-1\n", "cpu/a/cpu.cfs_period_us": "100000\n"}, 64),
        ("", {}, 64),
    ],
)
def test_limits_of_control_groups_count(tmp_path, monkeypatch, line, files, cores):
    control_group(tmp_path, monkeypatch, line, files)
    assert available_cores() == cores


def test_slurm_and_affinity_count(tmp_path, monkeypatch):
    control_group(tmp_path, monkeypatch, "", {})
    monkeypatch.setenv("SLURM_CPUS_PER_TASK", "5")
    assert available_cores() == 5
    monkeypatch.setattr(thread_budget, "_affinity", lambda: 3)
    assert available_cores() == 3


@pytest.mark.skipif(not hasattr(os, "sched_setaffinity"), reason="the system has no affinity")
def test_a_process_on_one_core_has_one_core():
    code = (
        "import os; os.sched_setaffinity(0, {min(os.sched_getaffinity(0))}); "
        "from plnet.runs.sweeps.thread_budget import available_cores; print(available_cores())"
    )
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, check=True).stdout == b"1\n"


@pytest.mark.parametrize(("jobs", "threads"), [(1, 12), (2, 6), (5, 2), (12, 1), (40, 1), (-1, 1)])
def test_jobs_share_the_cores(monkeypatch, jobs, threads):
    monkeypatch.setattr(thread_budget, "available_cores", lambda: 12)
    assert threads_each(jobs) == threads


@pytest.mark.parametrize("jobs", [0, -2])
def test_impossible_numbers_of_jobs(jobs):
    with pytest.raises(ConfigError, match=r"launch\.jobs to be a positive integer, or -1"):
        threads_each(jobs)


def test_variables_of_the_user_stay(monkeypatch):
    monkeypatch.setattr(thread_budget, "available_cores", lambda: 8)
    assert own_threads() == 8
    monkeypatch.setenv("OMP_NUM_THREADS", "3")
    fresh = set_thread_variables(2)
    assert "OMP_NUM_THREADS" not in fresh
    assert os.environ["OMP_NUM_THREADS"] == "3"
    assert os.environ["NUMBA_NUM_THREADS"] == "2"
    assert own_threads() == 2


def test_all_cores_of_an_engine_are_those_of_the_job():
    from plnet.runs.jobs.count_regions.build import build_count_regions

    set_thread_variables(1)
    config = OmegaConf.masked_copy(
        whole := composed("engine.n_jobs=-1"), [key for key in whole if key != "hydra"]
    )
    assert build_count_regions(config).counting.n_jobs == 1


# Devices


def fake_gpus(folder, count):
    """Put a program nvidia-smi that lists some devices into a folder, and return the folder."""
    folder.mkdir(exist_ok=True)
    program = folder / "nvidia-smi"
    program.write_text(
        f"#!{sys.executable}\nfor i in range({count}):\n    print(f'GPU {{i}}: Simulated (UUID: x)')\n",
        encoding="utf-8",
    )
    program.chmod(0o755)
    return folder


@pytest.mark.parametrize(
    ("variable", "devices"),
    [
        ("2,5", ("2", "5")),
        (" GPU-ab , GPU-cd", ("GPU-ab", "GPU-cd")),
        ("", ()),
        ("-1", ()),
        ("0,-1,2", ("0",)),
    ],
)
def test_devices_that_were_chosen_outside(monkeypatch, variable, devices):
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", variable)
    assert visible_devices() == devices


@pytest.mark.skipif(sys.platform == "win32", reason="the program is a script")
def test_devices_are_counted_without_starting_cuda(monkeypatch, tmp_path):
    monkeypatch.delenv("CUDA_VISIBLE_DEVICES", raising=False)
    monkeypatch.setenv("PATH", f"{fake_gpus(tmp_path / 'bin', 3)}{os.pathsep}{os.environ['PATH']}")
    assert visible_devices() == ("0", "1", "2")


HOLDER = """
import sys
from plnet.runs.sweeps.launch_devices import claim_slot
print(claim_slot(sys.argv[1], int(sys.argv[2])), flush=True)
sys.stdin.read()
"""


@pytest.mark.skipif(sys.platform == "win32", reason="there are no such locks")
def test_a_slot_belongs_to_one_process_and_is_free_after_its_death(tmp_path):
    def holder():
        command = [sys.executable, "-c", HOLDER, str(tmp_path / "slots"), "2"]
        process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        return process, process.stdout.readline().strip()

    processes = []
    try:
        for expected in ("0", "1", "None"):
            process, answer = holder()
            processes.append(process)
            assert answer == expected
        assert claim_slot(tmp_path / "slots", 2) is None
        processes[0].kill()
        processes[0].wait()
        assert claim_slot(tmp_path / "slots", 2) == 0
        assert claim_slot(tmp_path / "slots", 2) == 0, "a worker keeps its slot"
    finally:
        for process in processes:
            process.kill()
            process.communicate()


def test_without_locks_the_number_of_the_job_decides(monkeypatch, tmp_path):
    def refuse(*_):
        raise OSError("no locks")

    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "")
    monkeypatch.setattr(launch_devices, "claim_slot", refuse)
    assert [choose_device(["4", "7"], tmp_path, number) for number in range(3)] == ["4", "7", "4"]
    assert os.environ["CUDA_VISIBLE_DEVICES"] == "4"


# Sweeps


@pytest.mark.parametrize(
    ("parameters", "overrides", "number"),
    [
        ({}, [], 1),
        ({}, ["seed=0,1,2", "network.width=4,8"], 6),
        ({"seed": "range(4)"}, [], 4),
        ({"seed": "range(4)"}, ["seed=7"], 1),
        ({"network.width": "null,8"}, [], 2),
        ({"network.widths": "[64,8,10],[64,4,4,10]", "seed": 3}, [], 2),
        ({"network.widths": [64, 8, 10]}, [], 1),
        ({"network.bias": True, "training.optimiser.lr": 1e-05}, [], 1),
        ({}, ["seed=range(0)", "network.width=4,8"], 0),
        ({}, ["data.path='a,b.npz'"], 1),
    ],
)
def test_number_of_jobs(parameters, overrides, number):
    assert sweep_size(parameters, overrides) == number


@pytest.mark.parametrize(
    ("parameters", "overrides", "message"),
    [
        ({"network.width": None}, [], r"network\.width is null.*Write it in quotes"),
        ({"network": {"width": "4,8"}}, [], r"dotted names instead: network\.width"),
        ({"seed": "range("}, [], "cannot be read"),
    ],
)
def test_parameters_that_hydra_would_take_for_something_else(parameters, overrides, message):
    with pytest.raises(ConfigError, match=message):
        sweep_size(parameters, overrides)


def test_several_experiments_in_one_sweep_are_refused():
    with pytest.raises(ConfigError, match=r"run_suite\.py depth/tiny activations/tiny"):
        prepare_sweep(composed("experiment=depth/tiny,activations/tiny"))


# Checks before a sweep


def stop_of(config):
    with pytest.raises(SystemExit) as caught:
        PrepareLaunch().on_multirun_start(config)
    return str(caught.value.code)


def test_empty_sweep_stops():
    assert "The sweep is empty" in stop_of(composed("seed=range(0)"))


@pytest.mark.parametrize(
    ("launch", "extra"), [("local_parallel", "parallel"), ("one_gpu_each", "parallel"), ("slurm", "slurm")]
)
def test_a_plugin_that_is_missing_is_named_with_its_extra(monkeypatch, launch, extra):
    monkeypatch.setattr(launch_plugins, "_installed", lambda name: "hydra_plugins" not in name)
    store = ConfigStore.instance()
    known = copy.deepcopy(store.repo)
    register_schemas()
    try:
        config = composed(f"launch={launch}", "seed=0,1")
        message = stop_of(config)
        with pytest.raises(MissingExtraError):
            prepare_sweep(config)
    finally:
        # The stand-ins would hide the plugins from the tests that follow.
        store.repo = known
    assert f"launch={launch} needs hydra_" in message
    assert f'pip install "plnet[{extra}]"' in message


def test_slurm_that_is_not_there(monkeypatch, tmp_path):
    monkeypatch.setenv("PATH", str(tmp_path))
    message = stop_of(composed("launch=slurm", "seed=0,1"))
    assert "sbatch and srun cannot be found" in message
    assert "launch.local=true" in message


def test_slurm_in_local_mode_changes_the_launcher():
    config = composed("launch=slurm", "launch.local=true", "launch.jobs=2", "seed=0,1,2")
    prepare_sweep(config)
    assert config.hydra.launcher._target_.endswith("LocalLauncher")
    assert config.hydra.launcher.cpus_per_task == 1
    assert "array_parallelism" not in config.hydra.launcher
    assert "submitit" in config.hydra.launcher.submitit_folder


def test_gpu_that_is_not_there(monkeypatch):
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "")
    assert "needs a CUDA device, and there is none here" in stop_of(
        composed("launch=one_gpu_each", "seed=0,1")
    )


def test_as_many_jobs_as_devices(monkeypatch):
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "0,2,5")
    config = composed("launch=one_gpu_each", "seed=range(9)")
    assert config.runtime.device == "cuda"
    prepare_sweep(config)
    assert config.hydra.launcher.n_jobs == 3
    assert os.environ["PLNET_SWEEP_DEVICES"] == "0,2,5"
    config = composed("launch=one_gpu_each", "launch.devices=[5]", "seed=range(9)")
    prepare_sweep(config)
    assert (config.hydra.launcher.n_jobs, os.environ["PLNET_SWEEP_DEVICES"]) == (1, "5")
    for wrong in ("[1]", "[2,2]", "[]"):
        message = stop_of(composed("launch=one_gpu_each", f"launch.devices={wrong}", "seed=0,1"))
        assert "different ones of 0, 2, 5" in message


def test_no_more_workers_than_jobs(monkeypatch):
    monkeypatch.setattr(thread_budget, "available_cores", lambda: 8)
    config = composed("launch=local_parallel", "seed=0,1")
    prepare_sweep(config)
    assert config.hydra.launcher.n_jobs == 2
    assert os.environ["OMP_NUM_THREADS"] == "4"


def test_too_many_threads_are_told(monkeypatch, caplog):
    for module in (thread_budget, launching):
        monkeypatch.setattr(module, "available_cores", lambda: 4)
    prepare_sweep(composed("launch=local_parallel", "runtime.threads=4", "seed=0,1"))
    assert "2 jobs with runtime.threads=4 want more than the 4 cores" in caplog.text


def test_launch_without_a_sweep_is_told(caplog):
    PrepareLaunch().on_run_start(composed("launch=local_parallel"))
    assert "Add -m" in caplog.text
    caplog.clear()
    PrepareLaunch().on_run_start(composed())
    assert not caplog.text


def test_serial_changes_nothing(monkeypatch):
    before = dict(os.environ)
    config = composed("seed=0,1")
    known = OmegaConf.to_yaml(config)
    prepare_sweep(config)
    assert OmegaConf.to_yaml(config) == known
    assert dict(os.environ) == before


# Code of the user


@pytest.fixture
def launched_here(tmp_path, monkeypatch):
    """Give a folder to put modules into, and forget them afterwards."""
    before, path = set(sys.modules), list(sys.path)
    yield tmp_path
    for name in set(sys.modules) - before:
        if getattr(sys.modules[name], "__file__", None) and Path(sys.modules[name].__file__).is_relative_to(
            tmp_path
        ):
            del sys.modules[name]
    sys.path[:] = path


def write(path, text):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(textwrap.dedent(text), encoding="utf-8")


def test_modules_packages_and_late_imports_are_found(launched_here):
    write(launched_here / "ownpackage" / "__init__.py", "")
    write(
        launched_here / "ownpackage" / "nets.py",
        "class A:\n    def make():\n        import ownhelper\n        return ownhelper.x\n",
    )
    write(launched_here / "ownhelper.py", "x = 7\n")
    assert load_attribute("ownpackage.nets:A.make", launched_here)() == 7


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("ownnet", r'Expected module:attribute, as my\.module:make; got "ownnet"'),
        ("own/net.py:make", r"For a file write own\.net:make"),
        ("nosuchnet:make", r'no module "nosuchnet" in .* Modules are looked for in the folder'),
        ("ownnet:mak", r'no attribute "mak".*Did you mean "make"'),
        ("brokennet:make", r"importing brokennet failed with ZeroDivisionError"),
        ("hungrynet:make", r'hungrynet imports "nosuchpackage", which is not installed'),
        ("json:make", r'a module "json" from .* was loaded before'),
    ],
)
def test_messages_about_code_of_the_user(launched_here, name, message):
    write(launched_here / "ownnet.py", "def make():\n    pass\n")
    write(launched_here / "brokennet.py", "1 / 0\n")
    write(launched_here / "hungrynet.py", "import nosuchpackage\n")
    write(launched_here / "json.py", "def make():\n    pass\n")
    with pytest.raises(ConfigError, match=message):
        load_attribute(name, launched_here)


@pytest.mark.parametrize(
    "name",
    [
        "os:system",
        "builtins:eval",
        "subprocess:run",
        "pathlib:Path",
        "posix:system",
        "ownlibrary:os",
        "ownlibrary:os.system",
        "ownlibrary:os.path.join",
        "ownlibrary:run",
        "ownlibrary:Thread",
        "ownlibrary:write",
        "ownlibrary:bound",
    ],
)
def test_what_belongs_to_python_itself_is_refused(launched_here, name):
    write(
        launched_here / "ownlibrary.py",
        """
        import os, pathlib, sys
        from subprocess import run
        from threading import Thread
        write, bound = [].append, pathlib.Path().write_text
        """,
    )
    with pytest.raises(ConfigError, match=rf'must not name what belongs to Python itself, and "{name}" does'):
        load_attribute(name, launched_here)


def test_own_code_that_uses_python_itself_is_not_refused(launched_here):
    write(
        launched_here / "queuelike.py",
        """
        import functools
        def build(n):
            return n
        make, cached = functools.partial(build, 3), functools.cache(build)
        class Maker:
            def __call__(self):
                return 5
            def make(self):
                return 6
        maker = Maker()
        """,
    )
    assert load_attribute("queuelike:make", launched_here)() == 3
    assert load_attribute("queuelike:cached", launched_here)(4) == 4
    assert load_attribute("queuelike:maker", launched_here)() == 5
    assert load_attribute("queuelike:maker.make", launched_here)() == 6
    # A file of the user with the name of a module of Python that nobody has imported.
    write(launched_here / "this.py", "def make():\n    return 7\n")
    assert load_attribute("this:make", launched_here)() == 7
    del sys.modules["this"]


@pytest.mark.parametrize(
    "node",
    [
        {"_target_": "os.system", "command": "exit 1"},
        {"_target_": "builtins.exec"},
        {
            "_target_": "plnet.runs.jobs.count_regions.networks.from_factory",
            "options": {"x": {"_target_": "os.mkdir", "path": "sprung"}},
        },
        {
            "_target_": "plnet.runs.jobs.count_regions.networks.from_factory",
            "options": [[{"_target_": "os.mkdir", "path": "sprung"}]],
        },
    ],
)
def test_targets_of_a_node_are_not_of_python_itself(launched_here, monkeypatch, node):
    monkeypatch.chdir(launched_here)
    with pytest.raises(ConfigError, match="belongs to Python itself"):
        call_of(OmegaConf.create({**node, "_partial_": True}), "network")
    assert not launched_here.joinpath("sprung").exists()


def test_the_source_counts_for_the_key(launched_here, monkeypatch):
    monkeypatch.chdir(launched_here)
    write(launched_here / "sourcenet.py", "def make():\n    return 1\n")
    part = {"network": {"factory": "sourcenet:make", "width": 3}, "seed": 0}
    first = with_inputs(part, user_code=["network.factory", "data.factory", "seed"])
    assert first["network"]["width"] == 3
    assert first["network"]["factory"]["sha256"] == source_digest("sourcenet:make")
    assert part["network"]["factory"] == "sourcenet:make"
    write(launched_here / "sourcenet.py", "def make():\n    return 2\n")
    assert with_inputs(part, user_code=["network.factory"]) != first
    assert source_digest("nosuchnet:make") is None
    assert "sourcenet" not in sys.modules, "asking for the source imports nothing"


def test_the_source_that_counts_is_the_one_that_was_imported(launched_here):
    write(launched_here / "editednet.py", "def make():\n    return 1\n")
    before = source_digest("editednet:make", launched_here)
    make = load_attribute("editednet:make", launched_here)
    write(launched_here / "editednet.py", "def make():\n    return 2  # edited while a sweep runs\n")
    assert load_attribute("editednet:make", launched_here) is make
    assert source_digest("editednet:make", launched_here) == before
    del sys.modules["editednet"]
    after = source_digest("editednet:make", launched_here)
    assert after != before
    assert load_attribute("editednet:make", launched_here)() == 2
    assert source_digest("editednet:make", launched_here) == after


def test_a_module_that_changes_itself_while_it_is_imported(launched_here):
    write(
        launched_here / "restlessnet.py",
        "with open(__file__, 'a') as me:\n    me.write('#')\ndef make():\n    pass\n",
    )
    with pytest.raises(ConfigError, match=r"restlessnet\.py was changed while it was imported"):
        load_attribute("restlessnet:make", launched_here)


def test_a_package_that_cannot_be_imported_has_no_source_and_a_message(launched_here):
    write(launched_here / "brokenpackage" / "__init__.py", "1 / 0\n")
    write(launched_here / "brokenpackage" / "net.py", "")
    assert source_digest("brokenpackage.net:make", launched_here) is None
    with pytest.raises(ConfigError, match="failed with ZeroDivisionError"):
        load_attribute("brokenpackage.net:make", launched_here)


def test_factory_of_a_network(launched_here, monkeypatch):
    import torch

    from plnet.runs.jobs.count_regions.networks import from_factory

    monkeypatch.chdir(launched_here)
    write(
        launched_here / "factorynet.py",
        """
        from torch import nn
        def plain(width=3):
            return nn.Sequential(nn.Linear(2, width), nn.ReLU(), nn.Linear(width, 1))
        def drawn(rng):
            net = nn.Linear(2, 1)
            nn.init.constant_(net.weight, rng.random())
            return net
        def nothing():
            return 3
        notcallable = 5
        """,
    )
    state = torch.get_rng_state()
    first, again, other = (from_factory("factorynet:plain", {"width": 4}, rng=seed) for seed in (0, 0, 1))
    assert torch.equal(first[0].weight, again[0].weight)
    assert not torch.equal(first[0].weight, other[0].weight)
    assert torch.equal(state, torch.get_rng_state())
    weights = [from_factory("factorynet:drawn", rng=seed).weight[0, 0].item() for seed in (3, 3, 4)]
    assert weights[0] == weights[1] != weights[2]
    for name, options, message in [
        ("nothing", {}, "to return a torch.nn.Module, got int"),
        ("notcallable", {}, "to be a function, it is a int"),
        ("plain", {"widht": 4}, r"cannot be called with widht.*network\.options"),
    ]:
        with pytest.raises(ConfigError, match=message):
            from_factory(f"factorynet:{name}", options, rng=0)


# Whole sweeps

NETS = """
import ownwidth
from torch import nn

def make(width):
    return nn.Sequential(nn.Linear(2, width), nn.ReLU(), nn.Linear(width, ownwidth.outputs))
"""
SWEEP = [
    "network=factory",
    "network.factory=ownnets:make",
    "+network.options.width=3,5",
    "data=none",
    "domain=box",
    "training=none",
    "plot=none",
    "engine=rational",
    "seed=0,1",
]


def script(cwd, *arguments, **environment):
    root = config_dir().parent
    env = {**os.environ, "PYTHONPATH": str(root), **environment}
    command = [sys.executable, str(root / "scripts" / "count_regions.py"), *arguments]
    return subprocess.run(command, cwd=cwd, env=env, capture_output=True, text=True, check=False, timeout=300)


def numbers(table):
    """Return all that must not depend on how the runs were started."""
    timed = ("seconds", "folder")
    return {name: list(column) for name, column in table.columns.items() if not name.startswith(timed)}


def sweep_folder(folder):
    folder.mkdir(exist_ok=True)
    write(folder / "ownnets.py", NETS)
    write(folder / "ownwidth.py", "outputs = 1\n")
    return folder


@pytest.fixture(scope="module")
def serial_table(tmp_path_factory):
    from plnet.runs import load

    folder = sweep_folder(tmp_path_factory.mktemp("serial"))
    done = script(folder, "-m", *SWEEP)
    assert done.returncode == 0, done.stderr
    return load(folder / "runs")


@pytest.mark.slow
@pytest.mark.hydra
def test_two_workers_give_the_same_table(tmp_path, serial_table):
    from plnet.runs import load

    sweep_folder(tmp_path)
    done = script(tmp_path, "-m", "launch=local_parallel", "launch.jobs=2", *SWEEP)
    assert done.returncode == 0, done.stderr
    assert "4 jobs, 2 at a time" in done.stdout
    table = load(tmp_path / "runs")
    assert len(table) == 4
    assert set(table["status"]) == {"finished"}
    assert table.config_columns == ("network.options.width", "seed")
    assert numbers(table) == numbers(serial_table)


@pytest.mark.slow
@pytest.mark.hydra
def test_processes_of_submitit_give_the_same_table(tmp_path, serial_table):
    from plnet.runs import load

    sweep_folder(tmp_path)
    done = script(tmp_path, "-m", "launch=slurm", "launch.local=true", "launch.jobs=2", *SWEEP)
    assert done.returncode == 0, done.stderr
    assert numbers(load(tmp_path / "runs")) == numbers(serial_table)


@pytest.mark.slow
@pytest.mark.hydra
@pytest.mark.skipif(sys.platform == "win32", reason="the program that simulates devices is a script")
def test_each_worker_has_a_device_of_its_own(tmp_path, serial_table):
    from plnet.runs import load

    sweep_folder(tmp_path)
    devices = fake_gpus(tmp_path / "bin", 2)
    path = f"{devices}{os.pathsep}{os.environ['PATH']}"
    write(
        tmp_path / "ownnets.py",
        NETS.replace("def make(width):", "import os, time\ndef make(width):\n    note()\n    time.sleep(0.5)")
        + "\ndef note():\n    print('device', os.environ['CUDA_VISIBLE_DEVICES'], os.getpid(), flush=True)\n",
    )
    done = script(tmp_path, "-m", "launch=one_gpu_each", "runtime=cpu", *SWEEP, PATH=path)
    assert done.returncode == 0, done.stderr
    assert "Add runtime=gpu" in done.stdout
    pairs = {tuple(line.split()[1:]) for line in done.stdout.splitlines() if line.startswith("device ")}
    assert {device for device, _ in pairs} == {"0", "1"}
    assert len(pairs) == len({process for _, process in pairs}) == 2, "one device a process, for all its jobs"
    assert list(load(tmp_path / "runs")["regions"]) == list(serial_table["regions"])


@pytest.mark.slow
@pytest.mark.hydra
def test_without_plugins_a_script_says_what_to_install(tmp_path):
    # Hydra composes the configuration before any code of ours runs.
    write(
        tmp_path / "site" / "sitecustomize.py",
        """
        import sys
        class Refuse:
            def find_spec(self, name, path=None, target=None):
                if name.startswith("hydra_plugins."):
                    raise ModuleNotFoundError(f"No module named {name!r}", name=name)
        sys.meta_path.insert(0, Refuse())
        import pkgutil
        walk = pkgutil.walk_packages
        pkgutil.walk_packages = lambda path=None, prefix="", onerror=None: (
            () if prefix.startswith("hydra_plugins") else walk(path, prefix, onerror)
        )
        """,
    )
    path = f"{tmp_path / 'site'}{os.pathsep}{config_dir().parent}"
    done = script(tmp_path, "-m", "launch=local_parallel", "seed=0,1", PYTHONPATH=path)
    assert done.returncode == 1
    assert 'pip install "plnet[parallel]"' in done.stderr
    assert "Traceback" not in done.stderr
    done = script(tmp_path, "launch=local_parallel", "--cfg", "job", PYTHONPATH=path)
    assert done.returncode == 0, done.stderr


@pytest.mark.slow
@pytest.mark.hydra
def test_a_failed_job_in_a_worker_leaves_the_others(tmp_path):
    from plnet.runs import load

    sweep_folder(tmp_path)
    sweep = [word for word in SWEEP if "width" not in word and "seed" not in word]
    done = script(tmp_path, "-m", "launch=local_parallel", *sweep, "+network.options.width=3,-1", "seed=0")
    assert done.returncode == 1
    assert sorted(load(tmp_path / "runs")["status"]) == ["failed", "finished"]
    statuses = [
        json.loads(path.read_text(encoding="utf-8")) for path in (tmp_path / "runs").rglob("status.json")
    ]
    assert any(status["error"] for status in statuses)


@pytest.mark.slow
@pytest.mark.hydra
@pytest.mark.skipif(sys.platform == "win32", reason="there is no such signal")
def test_a_worker_that_is_killed_is_told_in_one_line(tmp_path):
    from plnet.runs import load

    sweep_folder(tmp_path)
    write(tmp_path / "ownwidth.py", "import os, signal\nos.kill(os.getpid(), signal.SIGKILL)\noutputs = 1\n")
    done = script(tmp_path, "-m", "launch=local_parallel", "launch.jobs=2", *SWEEP)
    assert done.returncode == 1
    assert "a worker was killed" in done.stderr
    assert "Start the same command again" in done.stderr
    assert "Traceback" not in done.stderr
    assert set(load(tmp_path / "runs")["status"]) == {"abandoned"}


def test_messages_about_lost_workers():
    from joblib.externals.loky.process_executor import BrokenProcessPool, TerminatedWorkerError
    from submitit.core.utils import FailedJobError, UncompletedJobError

    from plnet.runs.config.hydra_messages import lost_worker

    for kind in (TerminatedWorkerError, BrokenProcessPool, FailedJobError, UncompletedJobError):
        message = lost_worker(kind("Job 77_0\nhas no output"))
        assert message is not None
        assert message.endswith("It said: Job 77_0 has no output")
    assert lost_worker(RuntimeError("ours")) is None
