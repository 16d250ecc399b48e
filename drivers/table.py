"""A TOML table read with checks: every complaint names file, key, value and what was expected."""

from __future__ import annotations

import tomllib
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from .errors import ConfigError


class Table:
    """One table of a configuration file. Keys that nobody asked for are refused by `finish`."""

    def __init__(self, file: Path, values: Mapping[str, Any], where: str = "") -> None:
        self.file = file
        self.where = where
        self._values = values
        self._read: set[str] = set()

    @classmethod
    def load(cls, file: Path) -> Table:
        """The whole file. Raises ConfigError if it cannot be read or is not TOML."""
        try:
            return cls(file, tomllib.loads(file.read_text(encoding="utf-8")))
        except OSError as error:
            raise ConfigError(f"{file} cannot be read: {error.strerror}") from error
        except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
            raise ConfigError(f"{file} is not TOML: {error}") from error

    @property
    def raw(self) -> Mapping[str, Any]:
        """The table as TOML gave it."""
        return self._values

    def wrong(self, key: str, value: object, expected: str) -> ConfigError:
        """The complaint about one key, to be raised."""
        name = f"{self.where}.{key}" if self.where else key
        return ConfigError(f"{self.file.name}: {name} = {value!r}, expected {expected}")

    def value(self, key: str, expected: str, default: object = None) -> Any:
        """The raw value; `default` None means that the key must be there."""
        self._read.add(key)
        if key in self._values:
            return self._values[key]
        if default is None:
            name = f"{self.where}.{key}" if self.where else key
            raise ConfigError(f"{self.file.name}: {name} is missing, expected {expected}")
        return default

    def number(self, key: str, low: float, high: float, default: float | None = None) -> float:
        """A number in [low, high]."""
        expected = f"a number from {low:g} to {high:g}"
        value = self.value(key, expected, default)
        if isinstance(value, bool) or not isinstance(value, int | float):
            raise self.wrong(key, value, expected)
        if not low <= value <= high:
            raise self.wrong(key, value, expected)
        return float(value)

    def whole(self, key: str, low: int, high: int, default: int | None = None) -> int:
        """A whole number in [low, high]."""
        expected = f"a whole number from {low} to {high}"
        value = self.value(key, expected, default)
        if isinstance(value, bool) or not isinstance(value, int) or not low <= value <= high:
            raise self.wrong(key, value, expected)
        return value

    def text(self, key: str, choices: Iterable[str] | None = None) -> str:
        """A string, one of `choices` if given."""
        allowed = None if choices is None else tuple(choices)
        expected = "a text" if allowed is None else f"one of {', '.join(allowed)}"
        value = self.value(key, expected)
        if not isinstance(value, str) or not value or (allowed and value not in allowed):
            raise self.wrong(key, value, expected)
        return value

    def flag(self, key: str) -> bool:
        """true or false."""
        value = self.value(key, "true or false")
        if not isinstance(value, bool):
            raise self.wrong(key, value, "true or false")
        return value

    def table(self, key: str, *, optional: bool = False) -> Table:
        """A table inside this one; empty if optional and absent."""
        value = self.value(key, "a table", {} if optional else None)
        if not isinstance(value, dict):
            raise self.wrong(key, value, "a table")
        return Table(self.file, value, f"{self.where}.{key}" if self.where else key)

    def tables(self, key: str) -> list[Table]:
        """A list of tables, at least one."""
        value = self.value(key, f"one or more [[{key}]]")
        if not isinstance(value, list) or not all(isinstance(v, dict) for v in value) or not value:
            raise self.wrong(key, value, f"one or more [[{key}]]")
        return [Table(self.file, v, f"{key}[{n}]") for n, v in enumerate(value, 1)]

    def whole_numbers(self, low: int, high: int) -> dict[str, int]:
        """All keys of this table, each a whole number in [low, high]."""
        return {key: self.whole(key, low, high) for key in self._values}

    def finish(self) -> None:
        """Raises ConfigError if a key was never asked for: misspelt keys must not pass."""
        for key in self._values:
            if key not in self._read:
                raise self.wrong(key, self._values[key], f"only {', '.join(sorted(self._read))}")
