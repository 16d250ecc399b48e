"""What a file gives to a measure: traces, sweeps, a scan, or a CMAP with epochs of effort."""
