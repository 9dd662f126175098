"""The engines: one algorithm a file, all with one face."""
