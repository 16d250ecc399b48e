"""Study protocols: which nerve, site and muscle, in which order, and how each is set up."""
