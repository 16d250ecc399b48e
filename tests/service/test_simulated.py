"""A simulator as a child: where its electrodes lie is what the driver calls its channels."""

from urllib.parse import parse_qs, urlsplit

import pytest

from service.simulated import SimulatedDevice, SimulatorError, SimulatorProcess, parse_sim_url


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


def test_electrodes_asked_for_are_laid_and_named():
    """A nerve conduction study has its own places; channels not named stay as the case has them."""
    asked = "left APB,left ADM,left median D2 SNAP,left AH"
    process = SimulatorProcess(parse_sim_url(f"sim:cyton?electrodes={asked}"))
    try:
        process.ready()
        labels = parse_qs(urlsplit(process.url).query)["labels"][0].split(",")
    finally:
        process.stop()
    assert labels[:4] == asked.split(",")
    assert labels[4:] == ["left FDS", "left FCR", "left BB", "left TB"]


@pytest.mark.parametrize(
    ("asked", "why"), [("left nose", "left nose"), ("left FDI", "two channels lie on 'left FDI'")]
)
def test_electrodes_that_cannot_lie_so_are_refused(asked: str, why: str, capfd):
    """A place that nobody has, or one that another channel is on already."""
    process = SimulatorProcess(SimulatedDevice("cyton", electrodes=asked))
    try:
        with pytest.raises(SimulatorError):
            process.ready()
    finally:
        process.stop()
    assert why in capfd.readouterr().err
