"""Compiled training of one small network after another; the kernels know arrays only."""
