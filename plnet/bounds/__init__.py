"""Closed formulas for the number of regions, and exact hyperplane arrangements; needs no torch.

Names are loaded on first use.
"""

from typing import TYPE_CHECKING

from plnet.lazy import lazy_names

if TYPE_CHECKING:
    from plnet.bounds import families
    from plnet.bounds.arrangement import Arrangement
    from plnet.bounds.closed import cover_1965, scalar_layers_upper, zaslavsky, zaslavsky_bounded
    from plnet.bounds.convolution import receptive_fields, xiong_2020, xiong_2020_lower, xiong_2020_upper
    from plnet.bounds.maxout import (
        montufar_2014_maxout_deep,
        montufar_2014_maxout_lower,
        montufar_2014_maxout_upper,
        montufar_ren_zhang_2022,
        montufar_ren_zhang_2022_lower,
        montufar_ren_zhang_2022_no_bias,
        montufar_ren_zhang_2022_upper,
        serra_2018_maxout,
    )
    from plnet.bounds.quadratic import QuadraticNumber
    from plnet.bounds.relu_lower import (
        arora_2018,
        montufar_2014,
        pascanu_2014,
        serra_2018_cones,
        serra_2018_lower,
        serra_2018_one_input,
    )
    from plnet.bounds.relu_upper import (
        activation_patterns,
        hinz_van_de_geer_2019,
        montufar_2017,
        raghu_2017_order,
        serra_2018,
    )
    from plnet.bounds.whitney import whitney_sum

__all__ = [
    "Arrangement",
    "QuadraticNumber",
    "activation_patterns",
    "arora_2018",
    "cover_1965",
    "families",
    "hinz_van_de_geer_2019",
    "montufar_2014",
    "montufar_2014_maxout_deep",
    "montufar_2014_maxout_lower",
    "montufar_2014_maxout_upper",
    "montufar_2017",
    "montufar_ren_zhang_2022",
    "montufar_ren_zhang_2022_lower",
    "montufar_ren_zhang_2022_no_bias",
    "montufar_ren_zhang_2022_upper",
    "pascanu_2014",
    "raghu_2017_order",
    "receptive_fields",
    "scalar_layers_upper",
    "serra_2018",
    "serra_2018_cones",
    "serra_2018_lower",
    "serra_2018_maxout",
    "serra_2018_one_input",
    "whitney_sum",
    "xiong_2020",
    "xiong_2020_lower",
    "xiong_2020_upper",
    "zaslavsky",
    "zaslavsky_bounded",
]

_HOME = {
    "families": "",
    "Arrangement": "arrangement",
    "QuadraticNumber": "quadratic",
    "whitney_sum": "whitney",
    **dict.fromkeys(["cover_1965", "scalar_layers_upper", "zaslavsky", "zaslavsky_bounded"], "closed"),
    **dict.fromkeys(
        ["receptive_fields", "xiong_2020", "xiong_2020_lower", "xiong_2020_upper"], "convolution"
    ),
    **dict.fromkeys(
        [
            "montufar_2014_maxout_deep",
            "montufar_2014_maxout_lower",
            "montufar_2014_maxout_upper",
            "montufar_ren_zhang_2022",
            "montufar_ren_zhang_2022_lower",
            "montufar_ren_zhang_2022_no_bias",
            "montufar_ren_zhang_2022_upper",
            "serra_2018_maxout",
        ],
        "maxout",
    ),
    **dict.fromkeys(
        [
            "arora_2018",
            "montufar_2014",
            "pascanu_2014",
            "serra_2018_cones",
            "serra_2018_lower",
            "serra_2018_one_input",
        ],
        "relu_lower",
    ),
    **dict.fromkeys(
        ["activation_patterns", "hinz_van_de_geer_2019", "montufar_2017", "raghu_2017_order", "serra_2018"],
        "relu_upper",
    ),
}

__getattr__ = lazy_names(__name__, _HOME)


def __dir__() -> list[str]:
    return sorted(__all__)
