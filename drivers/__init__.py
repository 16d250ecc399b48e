"""Devices to sample blocks. This package knows nothing above it."""
