"""Everything that can be set from outside, once, at the start: MYOTOME_* and the command line."""

from __future__ import annotations

from pathlib import Path

from pydantic import Field, SecretStr
from pydantic_settings import BaseSettings, SettingsConfigDict

DEFAULT_PORT = 8760


class Settings(BaseSettings):
    """Frozen. Each field is MYOTOME_ and its name in capitals; lists are JSON.

    data_dir None: the XDG folder. token None: a new one at each start. device_urls: as `--device`.
    page_dir None: the built page of the checkout, or the one in the wheel. demo: the simulator's
    control routes exist.
    """

    model_config = SettingsConfigDict(env_prefix="MYOTOME_", frozen=True, extra="ignore")

    host: str = "127.0.0.1"
    port: int = Field(default=DEFAULT_PORT, ge=0, le=65535)
    data_dir: Path | None = None
    page_dir: Path | None = None
    token: SecretStr | None = Field(default=None, min_length=16)
    device_urls: tuple[str, ...] = ()
    stimulator: str | None = None
    patient: str = "unnamed"
    record: bool = True
    unverified_limits: bool = False
