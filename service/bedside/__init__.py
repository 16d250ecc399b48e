"""One bedside: montage, session, stimulation and assessment of the running study."""
