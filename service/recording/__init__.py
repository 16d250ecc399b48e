"""The record of truth: MCAP files, their verification and their replay."""
