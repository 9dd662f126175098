"""The rooms of the package from low to high, which files of a room others may import, and who may enter."""


def read_order(text):
    """Read `house: room room ...` into a table; a list goes on until the next colon."""
    order = {}
    for word in text.split():
        if word.endswith(":"):
            order[word[:-1]] = []
        else:
            order[list(order)[-1]].append(word)
    return order


# The rooms of each house, from low to high. A room imports only what stands before it.
ORDER = read_order("""
    plnet: errors lazy compiled checks io progress budgets statistics geometry bounds networks ir regions
        equivalence maxout forgetting plotting runs __main__
    plnet.bounds: checks closed relu_lower relu_upper maxout convolution kernels residues deletion_restriction
        quadratic arrangement whitney families
    plnet.networks: generators modules operators winners stored activations initialisers perceptron
        exact_layers extremal extremal_folds extremal_maxout
    plnet.ir: affine layers forms network operators convolution network_checks stored safe_patterns one_sided
        doubled export handlers reading
    plnet.regions: problem control leaves results kernels cells data engines certificates definitions
        enumeration estimate_cost structure measures level_sets files complex api ensemble warm_up
    plnet.regions.kernels: layout bits forms bookkeeping planar spatial search closed
    plnet.regions.engines: base sharing rational splitting searching search closed cells line choice
    plnet.equivalence: inputs report residues vanishing sampling relaxation combinations pruning bracket
        deviation recession witness decision difference canonical merging check
    plnet.maxout: words inputs conversion convexity differences expressivity fitting learning
    plnet.maxout.fitting: effort results targets error line space api rates
    plnet.forgetting: seeding data tasks models methods kernels metrics statistics results training
    plnet.plotting: palettes venues styles save axes_row regions maxout forgetting
    plnet.runs: config store sweeps jobs table commands
    plnet.runs.jobs: orphan recording runtime seeding exact_numbers metrics reports config_parts count_regions
        maxout convex forgetting script
""")

# A room -> the only files in it that others import. The face of the room, its `__init__.py`, is always open.
DOORS = {
    "plnet.bounds.kernels": ["residue_rows"],
    "plnet.ir.reading": ["ingest"],
    "plnet.regions.engines": ["base", "choice"],
    "plnet.regions.engines.closed": ["arrangement", "one_layer", "two_layer"],
    "plnet.regions.kernels.closed": ["crossings", "two_layer"],
    "plnet.regions.kernels.planar": ["advance", "last_layer", "polygons"],
    "plnet.regions.kernels.search": ["explore", "layout"],
    "plnet.regions.kernels.spatial": ["advance", "layout", "simplices"],
    "plnet.regions.level_sets": ["boundary", "level_set"],
    "plnet.regions.definitions": ["count", "maps", "tiling"],
    "plnet.regions.certificates": ["certificate"],
    "plnet.equivalence": [],
    "plnet.maxout.differences": ["difference"],
    "plnet.maxout.expressivity": ["explain"],
    "plnet.maxout.fitting": ["line.stabbing", "rates", "results", "targets.catalogue"],
    "plnet.maxout.fitting.line": ["interval_fit", "stabbing"],
    "plnet.maxout.learning": ["descent", "imitation", "targets"],
    "plnet.forgetting.kernels": ["tiles", "training"],
    "plnet.forgetting.methods": ["base", "registry"],
    "plnet.forgetting.metrics": ["forward", "matrix"],
    "plnet.forgetting.statistics": ["contrasts"],
    "plnet.forgetting.tasks": ["recipes", "task", "task_source"],
    "plnet.forgetting.training": ["options", "sequence"],
    "plnet.plotting.forgetting": [],
    "plnet.plotting.maxout": [],
    "plnet.plotting.regions": ["colors"],
    "plnet.runs.commands": ["main"],
    "plnet.runs.jobs": [],
    "plnet.runs.sweeps": ["launch_devices", "thread_budget"],
    "plnet.runs.table": ["files", "table"],
}

# A room -> the only modules and rooms that may import from it.
KEYS = {
    "plnet.bounds.kernels": ["plnet.bounds"],
    "plnet.ir.handlers": ["plnet.ir.reading"],
    "plnet.regions.kernels": ["plnet.regions.engines", "plnet.regions.cells.volumes"],
    "plnet.regions.kernels.closed": ["plnet.regions.engines.closed"],
    "plnet.regions.kernels.search": ["plnet.regions.engines.searching"],
    "plnet.regions.engines.searching": ["plnet.regions.engines.search", "plnet.regions.engines.closed.form"],
    "plnet.regions.engines.splitting": [
        "plnet.regions.engines.cells",
        "plnet.regions.engines.choice",
        "plnet.regions.engines.line",
        "plnet.regions.engines.searching.plan",
    ],
    "plnet.regions.engines.closed": ["plnet.regions.engines.cells", "plnet.regions.engines.choice"],
    "plnet.forgetting.kernels": ["plnet.forgetting.training.engine_fused"],
    "plnet.maxout.fitting.error": ["plnet.maxout.fitting"],
    "plnet.maxout.fitting.space": ["plnet.maxout.fitting"],
}
