"""The one error of files that cannot be used."""

from __future__ import annotations


class ExchangeError(ValueError):
    """A file cannot be used; the message is one sentence: what, where, what to do."""
