"""Stand-ins for hardware, with known truth. Never shares protocol or analysis code with what it tests."""
