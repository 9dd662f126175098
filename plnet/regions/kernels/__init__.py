"""Compiled kernels; they know arrays only, neither torch nor networks."""
