"""What each kind of hardware may be used for."""

import pytest

from drivers.capability import permissions, permit
from drivers.config import load_config
from drivers.types import Allowance, Capability, Study

HACKEEG = load_config("hackeeg-ncs-16k").capability
CYTON = load_config("openbci-cyton-emg").capability
MACHINE = Capability(48_000, 10_000, 0.01, "timestamp", "sample", True, "")
LIMITED_AMP = Capability(2_000, 500, 0.5, "timestamp", "sample", False, "")


def test_every_study_gets_an_answer_with_a_reason_unless_it_is_yes():
    """No study is left to a default."""
    for capability in (HACKEEG, CYTON, MACHINE, LIMITED_AMP):
        answers = permissions(capability)
        assert [a.study for a in answers] == list(Study)
        assert all(bool(a.reason) == (a.allowance is not Allowance.YES) for a in answers)


def test_a_clinical_machine_may_do_everything():
    """48 kHz, 10 kHz bandwidth, needle input, trigger."""
    assert {a.allowance for a in permissions(MACHINE)} == {Allowance.YES}


@pytest.mark.parametrize(
    ("study", "reason"),
    [
        (Study.MOTOR_NCS, "not assessable: 250 Hz; needs ≥ 10 kHz"),
        (Study.SENSORY_NCS, "not assessable: 250 Hz; needs ≥ 10 kHz"),
        (Study.F_WAVE, "not assessable: 250 Hz; needs ≥ 10 kHz"),
        (Study.NEEDLE, "not assessable: 250 Hz; needs ≥ 20 kHz"),
        (Study.RNS, "not assessable: 250 Hz; needs ≥ 5 kHz"),
        (Study.FATIGUE, "not assessable: 250 Hz; needs ≥ 1 kHz"),
    ],
)
def test_a_cyton_cannot_conduct_nerves_or_read_needles_and_says_why(study, reason):
    """The sentence is what people read on the card."""
    answer = permit(CYTON, study)
    assert (answer.allowance, answer.reason) == (Allowance.NO, reason)


@pytest.mark.parametrize("study", [Study.CLONUS, Study.SURFACE_FASCICULATION, Study.COHERENCE])
def test_a_cyton_may_count_bursts_with_a_stated_restriction(study):
    """So that its card is not empty."""
    assert permit(CYTON, study).allowance is Allowance.LIMITED


def test_a_hackeeg_conducts_motor_nerves_and_rounds_sensory_peaks():
    """16 kSPS and a trigger bit in every sample, but 4.2 kHz of bandwidth."""
    assert permit(HACKEEG, Study.MOTOR_NCS).allowance is Allowance.YES
    sensory = permit(HACKEEG, Study.SENSORY_NCS)
    assert sensory.allowance is Allowance.LIMITED
    assert "4.19 kHz" in sensory.reason
    assert permit(HACKEEG, Study.NEEDLE).allowance is Allowance.LIMITED


def test_latencies_need_a_trigger_in_the_samples():
    """A message in the stream, or host time, is not enough."""
    event = Capability(48_000, 10_000, 0.01, "none", "event", True, "")
    assert "stimulus line" in permit(event, Study.MOTOR_NCS).reason
    assert permit(event, Study.NEEDLE).allowance is Allowance.YES


def test_an_uncalibrated_or_coarse_device_is_restricted():
    """Amplitude in microvolts needs a known, small step."""
    unknown = Capability(48_000, 10_000, None, "none", "sample", True, "")
    coarse = Capability(48_000, 10_000, 5.0, "none", "sample", True, "")
    assert "uncalibrated" in permit(unknown, Study.MOTOR_NCS).reason
    assert "5 µV" in permit(coarse, Study.SURFACE_ENVELOPE).reason


def test_no_needle_without_a_needle_input():
    """Rate alone does not make a needle amplifier."""
    surface = Capability(48_000, 10_000, 0.01, "none", "sample", False, "")
    assert permit(surface, Study.NEEDLE).reason == "not assessable: no input for needle electrodes"
