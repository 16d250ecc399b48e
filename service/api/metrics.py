"""`GET /metrics`: for Prometheus; numbers are read when asked, nothing is counted twice."""

from __future__ import annotations

from collections.abc import Iterator

from fastapi import APIRouter, Response
from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily
from prometheus_client.metrics_core import Metric
from prometheus_client.registry import Collector

from drivers.types import LinkState
from service.bedside.session import Session

from .context import SessionHere

router = APIRouter(tags=["service"])


class BedsideCollector(Collector):
    """The session's own numbers, as they are now."""

    def __init__(self, session: Session) -> None:
        self._session = session

    def collect(self) -> Iterator[Metric]:
        """See prometheus_client."""
        yield from self._devices()
        session = self._session
        yield GaugeMetricFamily("myotome_viewers", "Pages connected.", len(session.hub.viewers))
        yield GaugeMetricFamily(
            "myotome_event_loop_lag_seconds", "Lateness of the last beat.", session.lag_s
        )
        yield CounterMetricFamily(
            "myotome_frames_sent", "Trace frames handed to viewers.", session.hub.frames_sent
        )
        yield CounterMetricFamily(
            "myotome_samples_dropped",
            "Samples that viewers were too slow to get.",
            session.hub.dropped_samples,
        )
        yield CounterMetricFamily(
            "myotome_pulses_delivered",
            "Stimulator pulses.",
            session.stimulation.status.delivered_count,
        )

    def _devices(self) -> Iterator[Metric]:
        live = GaugeMetricFamily("myotome_device_live", "1 while data flow.", labels=["device"])
        for state in self._session.study.states.values():
            live.add_metric([state.device], 1.0 if state.state is LinkState.LIVE else 0.0)
        yield live
        for name, text in (
            ("received", "Samples received."),
            ("lost", "Samples that never came."),
            ("rejected", "Frames refused."),
        ):
            family = CounterMetricFamily(f"myotome_samples_{name}", text, labels=["device"])
            for state in self._session.study.states.values():
                family.add_metric([state.device], getattr(state, name))
            yield family


@router.get("/metrics", response_class=Response)
async def metrics(session: SessionHere) -> Response:
    """Prometheus text."""
    registry = CollectorRegistry(auto_describe=False)
    registry.register(BedsideCollector(session))
    return Response(generate_latest(registry), media_type=CONTENT_TYPE_LATEST)
