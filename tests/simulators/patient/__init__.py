"""Tests of the simulated patient."""
