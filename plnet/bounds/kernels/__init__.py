"""Compiled loops on rows of residues; they know numbers only."""
