"""Pure analysis: arrays in, measurements out; numpy and scipy only."""
