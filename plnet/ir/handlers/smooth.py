"""What is smooth or jumps, and therefore refused with its own message."""

from __future__ import annotations

import operator

import torch
import torch.nn.functional as F
from torch import nn

__all__ = ["SMOOTH_FUNCTIONS", "SMOOTH_METHODS", "SMOOTH_MODULES", "STEP_NAMES"]

SMOOTH_MODULES: tuple[type[nn.Module], ...] = (
    *(nn.Sigmoid, nn.Tanh, nn.GELU, nn.ELU, nn.SELU, nn.CELU, nn.SiLU, nn.Mish, nn.GLU),
    *(nn.Softplus, nn.Softsign, nn.Softmax, nn.Softmax2d, nn.Softmin, nn.LogSoftmax),
    *(nn.LogSigmoid, nn.Tanhshrink, nn.Hardswish, nn.LayerNorm, nn.RMSNorm, nn.GroupNorm),
    *(nn.InstanceNorm1d, nn.LocalResponseNorm, nn.CosineSimilarity, nn.Bilinear),
    nn.MultiheadAttention,
)
"""Module types that are not piecewise linear in their input."""

SMOOTH_METHODS = frozenset(
    [
        *("exp", "exp2", "expm1", "log", "log2", "log10", "log1p", "logit", "sqrt", "rsqrt", "square", "pow"),
        *("sin", "cos", "tan", "asin", "acos", "atan", "sinh", "cosh", "tanh", "sigmoid", "erf"),
        *("reciprocal", "softmax", "log_softmax", "logsumexp", "norm", "std", "var", "prod", "cumprod"),
    ]
)
"""Tensor methods that are not piecewise linear."""

_FUNCTION_NAMES = (
    *("sigmoid", "tanh", "gelu", "elu", "selu", "celu", "silu", "mish", "glu", "softplus", "softsign"),
    *("softmax", "softmin", "log_softmax", "logsigmoid", "tanhshrink", "hardswish", "bilinear"),
    *("layer_norm", "rms_norm", "group_norm", "instance_norm", "normalize", "cosine_similarity"),
    "scaled_dot_product_attention",
)

SMOOTH_FUNCTIONS = frozenset(
    [getattr(F, name) for name in _FUNCTION_NAMES]
    + [getattr(torch, name) for name in [*SMOOTH_METHODS, *_FUNCTION_NAMES] if hasattr(torch, name)]
    # `x ** 2` is recorded as operator.pow.
    + [pow, operator.pow, torch.linalg.norm, torch.special.expit]
)
"""Functions that are not piecewise linear."""

STEP_NAMES = frozenset(
    [
        *("sign", "sgn", "heaviside", "round", "floor", "ceil", "trunc", "frac", "remainder", "fmod"),
        *("gt", "lt", "ge", "le", "eq", "ne", "where", "hardshrink", "argmax", "argmin"),
    ]
)
"""Names of functions that jump; a network made with them may still be continuous, but is not read."""
