"""Stand-ins for hardware, with known truth; no code is shared with what they test."""
