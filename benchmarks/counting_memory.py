"""Measure whether the memory of counting grows with the number of regions.

One network, 2 -> 128 -> 128 -> 128 -> 1, on boxes of growing size: the arrays for the kernel are the same
each time, the number of regions is not. Each box has a process of its own, which first counts in a tiny box,
so that compiled code and libraries are loaded. The growth of the highest resident memory from there on is
what counting takes. For comparison, the same with ``enumerate_regions``. Linux only.
"""

from __future__ import annotations

from common import HERE, arguments, environment, run_python, write

RADII = (2.0**-6, 2.0**-4, 2.0**-2, 1.0, 4.0, 64.0)
CODE = """
import json, sys
sys.path.insert(0, {here!r})
from common import he_layers, relu_network
import plnet
def peak():
    with open("/proc/self/status") as lines:
        return next(int(line.split()[1]) for line in lines if line.startswith("VmHWM"))
network = relu_network(he_layers({widths!r}, 0))
for verb in (plnet.count_regions, plnet.enumerate_regions)[: 1 + {enumerate!r}]:
    len_or_count = verb(network, plnet.Box(-1e-4, 1e-4))
before = peak()
verb = plnet.enumerate_regions if {enumerate!r} else plnet.count_regions
found = verb(network, plnet.Box(-{radius!r}, {radius!r}))
number = len(found) if {enumerate!r} else int(found)
print(json.dumps({{"regions": number, "before_MiB": before / 1024, "growth_MiB": (peak() - before) / 1024}}))
"""


def main() -> None:
    options = arguments(__doc__ or "")
    before = environment()
    widths = [2, 32, 32, 1] if options.quick else [2, 128, 128, 128, 1]
    radii = RADII[2:4] if options.quick else RADII
    rows = {"count": [], "enumerate": []}
    for radius in radii:
        for verb, row in rows.items():
            code = CODE.format(here=str(HERE), widths=widths, radius=radius, enumerate=verb == "enumerate")
            row.append({"radius": radius, **run_python(code)})
    for verb, row in rows.items():
        print(verb, ", ".join(f"{r['regions']} regions {r['growth_MiB']:.1f} MiB" for r in row))
    write(
        options,
        "Highest memory of counting against the number of regions",
        {"widths": widths, **rows},
        before,
    )


if __name__ == "__main__":
    main()
