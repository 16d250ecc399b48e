"""Studies on disk: patients, visits, steps, sweeps, measurements and every edit, in SQLite."""
