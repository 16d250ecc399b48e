"""OpenBCI Cyton, with or without Daisy, through BrainFlow."""
