# Thin names for `python bootstrap.py <task>`, which makes the environment at the first call.
PYTHON ?= python3

.DEFAULT_GOAL := help
.PHONY: demo test test-all mutants figures lint env help

demo test test-all mutants figures lint env:
	@$(PYTHON) bootstrap.py $@ $(ARGS)

help:
	@$(PYTHON) bootstrap.py --help
