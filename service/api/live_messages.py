"""What a page may send on the live socket, checked."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter

Label = Annotated[str, Field(max_length=200)]
RequestId = str | int | float | None


class _Message(BaseModel):
    model_config = ConfigDict(frozen=True, extra="ignore")


class Subscribe(_Message):
    """A view; `columns_per_s` 0 means samples."""

    type: Literal["subscribe"]
    request: RequestId = None
    device: Label
    stream: Label
    channels: tuple[Label, ...] = Field(min_length=1, max_length=64)
    preset: Label
    columns_per_s: float = Field(ge=0, le=100_000, allow_inf_nan=False)


class Unsubscribe(_Message):
    """A view no longer wanted."""

    type: Literal["unsubscribe"]
    request: RequestId = None
    view: int = Field(ge=0, le=0xFFFF)


class Resume(_Message):
    """What was missed of a view since (epoch, next_index)."""

    type: Literal["resume"]
    request: RequestId = None
    view: int = Field(ge=0, le=0xFFFF)
    epoch: int = Field(ge=0, le=0xFFFF_FFFF)
    next_index: int = Field(ge=0, le=2**53)


class Ping(_Message):
    """I am here; answered with the service's time."""

    type: Literal["ping"]
    t: float = Field(default=0.0, allow_inf_nan=False)


class Stop(_Message):
    """Stimulator off."""

    type: Literal["stop"]


Inbound = Annotated[Subscribe | Unsubscribe | Resume | Ping | Stop, Field(discriminator="type")]
INBOUND: TypeAdapter[Inbound] = TypeAdapter(Inbound)
