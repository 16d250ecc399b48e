"""One script per budget of the design; each prints ratios against a peer in the same run."""
