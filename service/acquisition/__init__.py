"""Acquisition: blocks from the workers to rings, views, sweeps and windows."""
