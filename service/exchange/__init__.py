"""Files of other makers and plain files of sweeps: read strictly, refused in one sentence."""
