"""The whole table of layers: importing this module lets all handlers register themselves."""

from plnet.ir.handlers import (  # noqa: F401  (they fill the registry)
    convolution,
    functions,
    linear_functions,
    modules,
    operators,
    pooling,
)
from plnet.ir.handlers.registry import (
    FUNCTIONS,
    METHODS,
    MODULES,
    ROWS,
    STRUCTURAL,
    SupportedLayer,
    module_key,
    registered_base,
)

__all__ = [
    "FUNCTIONS",
    "METHODS",
    "MODULES",
    "ROWS",
    "STRUCTURAL",
    "SupportedLayer",
    "module_key",
    "registered_base",
]
