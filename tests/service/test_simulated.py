"""A simulator as a child: where its electrodes lie is what the driver calls its channels."""

from urllib.parse import parse_qs, urlsplit

import pytest

from service.simulated import SimulatedDevice, SimulatorProcess


@pytest.mark.parametrize(
    ("patient", "labels"),
    [
        ("healthy", None),
        (
            "radiculopathy_l5",
            "left VL,left TA,left MG,left SOL,left EDB,left AH,"
            "left sural SNAP,left superficial fibular SNAP",
        ),
    ],
)
def test_channels_are_called_after_the_patients_leads(patient: str, labels: str | None):
    """A leg is never shown under the names of an arm; the usual montage needs no words."""
    process = SimulatorProcess(SimulatedDevice("cyton", patient))
    try:
        process.ready()
        asked = parse_qs(urlsplit(process.url).query)
    finally:
        process.stop()
    assert asked == ({} if labels is None else {"labels": [labels]})
