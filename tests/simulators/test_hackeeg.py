"""The HackEEG firmware: its commands, its refusals and every byte of its packets."""

import base64
import json
from pathlib import Path

import numpy as np
import pytest

from simulators.ads1299 import FULL_SCALE, step_uv
from simulators.hackeeg import HackEEGFirmware
from simulators.hackeeg_packet import message_pack, payloads, status_words

from .ramp_patient import RampPatient, ramp_counts, vectors

VECTORS = Path(__file__).parents[1] / "vectors" / "hackeeg.hex"
RATE_16K, GAIN_8, GPIO_INPUTS = (0x01, 0x90), 0x40, (0x14, 0x07)


def ask(firmware, name, *parameters):
    """One JSON Lines command; its answer."""
    line = json.dumps({"COMMAND": name, "PARAMETERS": parameters}) + "\n"
    return json.loads(firmware.receive(line.encode()))


def streaming(patient=None, *, gain=GAIN_8, micros_start=0, rate=RATE_16K):
    """A firmware in MessagePack mode that streams."""
    patient = patient or RampPatient()
    firmware = HackEEGFirmware(lambda _: patient, micros_start=micros_start)
    firmware.receive(b"jsonlines\n")
    for register, value in (rate, GPIO_INPUTS, *((5 + channel, gain) for channel in range(8))):
        ask(firmware, "wreg", register, value)
    for command in ("messagepack", "stop", "rdatac", "start"):
        assert ask(firmware, command)["STATUS_CODE"] == 200
    return firmware


def decoded(frames):
    """micros, numbers, gpio, counts of MessagePack frames."""
    rows = np.frombuffer(frames, np.uint8).reshape(-1, 44)
    assert bytes(rows[0, :9]).hex() == "82a143ccc8a144c423"
    assert (rows[:, :9] == rows[0, :9]).all()
    words = rows[:, 9:17].copy().view("<u4").astype(np.int64)
    bits = rows[:, 20:].reshape(-1, 8, 3).astype(np.int32)
    counts = (bits[..., 0] << 16 | bits[..., 1] << 8 | bits[..., 2]) << 8 >> 8
    return words[:, 0], words[:, 1], rows[:, 19] & 15, counts.T


def test_packets_are_those_of_the_makers_documents():
    """Every vector taken from the firmware source and data sheet is encoded byte for byte."""
    fields = {
        "first": (1_000_000, 0, 0, 0, 0, [1, -1, 8388607, -8388608, 1193046, -2, 256, -32768]),
        "gpio1_high": (1_000_062, 1, 0, 0, 1, [0] * 8),
        "lead_off": (1_000_125, 2, 0x81, 0x42, 0, list(range(1, 9))),
        "before_wrap": (2**32 - 32, 65535, 0, 0, 0b1010, list(range(-1, -9, -1))),
        "after_wrap": (2**32 + 30, 65536, 0, 0, 0, list(range(-1, -9, -1))),
    }
    expected = vectors(VECTORS)
    assert set(fields) == set(expected)
    for name, (micros, number, off_p, off_n, gpio, counts) in fields.items():
        status = status_words(off_p, off_n, np.array([gpio], np.uint8))
        payload = payloads(
            np.array([micros]), np.array([number]), status, np.array([counts], np.int32)
        )
        assert message_pack(payload) == expected[name], name


def test_boots_in_text_mode_and_says_ready():
    """Power-on prints Ready, knows text commands only, and is deaf for 2.6 s."""
    firmware = HackEEGFirmware(lambda _: RampPatient())
    assert firmware.boot() == b"Ready\r\n"
    assert firmware.busy_s == pytest.approx(2.6)
    assert firmware.receive(b'{"COMMAND":"nop"}\n') == b"406 Error: Unrecognized command.\r\n\r\n"
    assert firmware.receive(b"nop\nversion\n") == b"200 Ok\r\n200 v0.3.0\r\n"
    assert firmware.receive(b"rreg 1\n") == b"200 Ok (Read Register 01) \r\n96\r\n\r\n"
    assert firmware.receive(b"wreg 1 zz\n") == b"402 Error: expected hexidecimal digits.\r\n\r\n"
    assert firmware.receive(b"rreg\n") == b"403 Error: register argument missing.\r\n\r\n"
    assert firmware.receive(b"wreg 1\n") == b"404 Error: value argument missing.\r\n\r\n"
    assert firmware.receive(b"jsonlines\n") == b'{"STATUS_CODE":200,"STATUS_TEXT":"Ok"}\r\n'


def test_status_codes_are_the_firmwares():
    """400 for no JSON, 406 unknown, 501 serial number, 502 without an active channel."""
    firmware = HackEEGFirmware(lambda _: RampPatient())
    firmware.receive(b"jsonlines\n")
    assert json.loads(firmware.receive(b"{nonsense\n"))["STATUS_CODE"] == 400
    assert ask(firmware, "explode")["STATUS_CODE"] == 406
    assert json.loads(firmware.receive(b'{"PARAMETERS":[]}\n'))["STATUS_CODE"] == 406
    assert ask(firmware, "serialnumber")["STATUS_CODE"] == 501
    assert ask(firmware, "rdatac")["STATUS_CODE"] == 502
    assert ask(firmware, "status")["DATA"]["active_channels"] == 0
    ask(firmware, "wreg", 5, 0x60)
    assert ask(firmware, "status")["DATA"]["active_channels"] == 1
    assert ask(firmware, "rdatac")["STATUS_CODE"] == 200


def test_registers_have_their_reset_values_and_read_back():
    """Reset values of the data sheet; what boot writes; read-only ones stay."""
    firmware = HackEEGFirmware(lambda _: RampPatient())
    firmware.receive(b"jsonlines\n")
    read = {register: ask(firmware, "rreg", register)["DATA"] for register in range(0x18)}
    assert read[0x00] == 0x3E
    assert read[0x01] == 0x96
    assert read[0x03] == 0xE0
    assert read[0x14] == 0x00
    assert {read[register] for register in range(5, 13)} == {0x61}
    for register, value in ((0x00, 0xFF), (0x12, 0xFF), (0x0D, 0xAA), (0x14, 0x07)):
        ask(firmware, "wreg", register, value)
    assert ask(firmware, "rreg", 0x00)["DATA"] == 0x3E
    assert ask(firmware, "rreg", 0x12)["DATA"] == 0x00
    assert ask(firmware, "rreg", 0x0D)["DATA"] == 0xAA
    assert ask(firmware, "reset")["STATUS_CODE"] == 200
    assert firmware.busy_s == pytest.approx(1.1)
    assert ask(firmware, "rreg", 0x0D)["DATA"] == 0x00
    assert ask(firmware, "rreg", 0x14)["DATA"] == 0x00


def test_the_chip_ignores_registers_while_it_streams():
    """wreg answers Ok and changes nothing, rreg reads 0, as in read-data-continuous mode."""
    firmware = streaming()
    assert ask(firmware, "wreg", 5, 0x00)["STATUS_CODE"] == 200
    assert ask(firmware, "rreg", 5)["DATA"] == 0
    ask(firmware, "sdatac")
    assert ask(firmware, "rreg", 5)["DATA"] == GAIN_8


def test_rdatac_streams_without_start_because_the_start_pin_is_high():
    """After boot and reset rdatac alone streams; stop halts, start runs and zeroes the number."""
    firmware = HackEEGFirmware(lambda _: RampPatient())
    firmware.receive(b"jsonlines\n")
    ask(firmware, "wreg", 5, GAIN_8)
    ask(firmware, "messagepack")
    ask(firmware, "rdatac")
    assert firmware.streaming
    assert len(firmware.produce(5)) == 5 * 44
    ask(firmware, "stop")
    assert not firmware.streaming
    assert firmware.produce(5) == b""
    ask(firmware, "start")
    assert decoded(firmware.produce(2))[1].tolist() == [0, 1]
    ask(firmware, "reset")
    assert not firmware.streaming


def test_sample_values_are_exact_and_split_nowhere():
    """Counts equal the patient's microvolts, whatever the chunks."""
    firmware = streaming()
    frames = b"".join(firmware.produce(n) for n in (1, 7, 64, 0, 928))
    micros, numbers, gpio, counts = decoded(frames)
    assert (counts == ramp_counts(0, 1000)).all()
    assert (numbers == np.arange(1000)).all()
    assert set(np.diff(micros)) == {62, 63}
    assert micros[-1] - micros[0] == pytest.approx(999 * 62.5, abs=1)
    assert not gpio.any()
    assert firmware.frame_length == 44


def test_gain_bits_change_what_a_count_means():
    """Half the gain halves the count; a silent gain fault does the same."""
    firmware = streaming(gain=0x20)
    counts = decoded(firmware.produce(50))[3]
    assert (np.abs(counts - ramp_counts(0, 50) / 2) < 0.501).all()
    firmware = streaming()
    firmware.set_gain_code(2, 0)
    counts = decoded(firmware.produce(50))[3]
    assert (np.abs(counts[1] - ramp_counts(0, 50)[1] / 8) < 0.501).all()
    assert (counts[0] == ramp_counts(0, 50)[0]).all()


def test_inputs_follow_the_multiplexer():
    """Powered down reads 0, shorted reads the chip's own noise, the test signal is a square."""
    firmware = streaming()
    ask(firmware, "sdatac")
    for register, value in ((5, 0xC1), (6, 0x41), (7, 0x45), (8, 0x44), (2, 0xD0)):
        ask(firmware, "wreg", register, value)
    ask(firmware, "rdatac")
    counts = decoded(firmware.produce(16000))[3]
    uv = counts * step_uv(8)
    assert not counts[0].any()
    assert np.std(uv[1]) == pytest.approx(21.7 / 8, rel=0.05)
    assert abs(np.mean(uv[1])) < 0.2
    assert np.mean(np.abs(uv[2])) == pytest.approx(1875.0, rel=0.01)
    assert np.mean(uv[3]) == pytest.approx(145_300.0, rel=0.001)
    assert (counts[4] == ramp_counts(0, 16000)[4]).all()


def test_the_converter_saturates_at_its_rails():
    """Beyond ±4.5 V / gain a count stops at ±2**23."""
    firmware = streaming(RampPatient(gain=1), gain=0x60)
    patient = firmware.patient
    patient.step_uv = 1e9
    counts = decoded(firmware.produce(200))[3]
    assert set(np.unique(counts)) <= {-FULL_SCALE - 1, FULL_SCALE, 0}


def test_trigger_bits_read_zero_until_gpio_is_an_input():
    """With the boot value GPIO=0 the line is invisible; with 0x07 it is GPIO1, sample exact."""
    firmware = streaming()
    firmware.trigger.raise_at(10.3, 16.0)
    gpio = decoded(firmware.produce(40))[2]
    assert np.flatnonzero(gpio).tolist() == list(range(11, 27))
    assert set(gpio[11:27]) == {1}
    ask(firmware, "sdatac")
    ask(firmware, "wreg", 0x14, 0x00)
    ask(firmware, "rdatac")
    firmware.trigger.raise_at(45.0, 16.0)
    assert not decoded(firmware.produce(40))[2].any()
    ask(firmware, "sdatac")
    ask(firmware, "boardledon")
    ask(firmware, "rdatac")
    assert set(decoded(firmware.produce(4))[2]) == {8}


def test_a_missed_conversion_shows_in_micros_alone():
    """The sample number stays contiguous, the count and micros jump: the board's trap."""
    firmware = streaming()
    keep = np.ones(100, np.bool_)
    keep[40:60] = False
    micros, numbers, _, counts = decoded(firmware.produce(100, keep))
    assert (numbers == np.arange(80)).all()
    assert np.diff(micros).max() == pytest.approx(21 * 62.5, abs=1)
    assert (counts == ramp_counts(0, 100)[:, keep]).all()
    assert firmware.sample_counter == 80
    assert firmware.patient.sample_index == 100


def test_micros_wraps_as_u32():
    """71.6 minutes after its start micros begins again at 0."""
    firmware = streaming(micros_start=2**32 - 1000)
    micros = decoded(firmware.produce(100))[0]
    assert micros[0] > 2**32 - 1001
    assert micros[-1] < 10_000
    assert ((np.diff(micros) % 2**32) <= 63).all()


@pytest.mark.parametrize("code", range(7))
def test_config1_sets_the_rate(code):
    """16 kSPS halves with each code; micros shows it."""
    firmware = streaming(rate=(0x01, 0x90 | code))
    assert firmware.rate_hz == 16000 / 2**code
    micros = decoded(firmware.produce(11))[0]
    assert micros[10] - micros[0] == 10 * 1_000_000 * 2**code // 16000


def test_drift_changes_the_rate_and_micros_shows_it():
    """A converter clock 1000 ppm fast gives shorter steps in true microseconds."""
    firmware = streaming()
    firmware.set_drift(1000.0)
    assert firmware.rate_hz == pytest.approx(16016.0)
    micros = decoded(firmware.produce(16001))[0]
    assert micros[-1] - micros[0] == pytest.approx(1e6 / 1.001, abs=2)


def test_json_and_text_modes_carry_the_same_payload():
    """JSON Lines is base64 of the 35 bytes; text is base64 or hexadecimal, by command."""
    packed = streaming()
    expected = [packed.produce(1)[9:] for _ in range(3)]
    lines = streaming()
    ask(lines, "jsonlines")
    rows = lines.produce(3).split(b"\n")[:3]
    assert [base64.b64decode(json.loads(row)["D"]) for row in rows] == expected
    assert lines.frame_length == len(rows[0]) + 1
    text = streaming()
    assert text.receive(b'{"COMMAND":"text"}\n') == b"200 Ok\r\n"
    text.receive(b"hex\n")
    assert [bytes.fromhex(row.decode()) for row in text.produce(3).split()] == expected


def test_rdata_gives_one_sample_and_waits_for_ever_without_conversions():
    """The firmware's loop on DRDY: stopped, it hangs until its power is cycled."""
    firmware = streaming()
    ask(firmware, "sdatac")
    line = json.dumps({"COMMAND": "rdata"}).encode() + b"\n"
    assert len(firmware.receive(line)) == 44
    ask(firmware, "stop")
    assert firmware.receive(line) == b""
    assert firmware.receive(b'{"COMMAND":"nop"}\n') == b""
    assert firmware.boot() == b"Ready\r\n"
    assert firmware.receive(b"nop\n") == b"200 Ok\r\n"


def test_commands_may_arrive_in_pieces():
    """A line is a line, however its bytes come; an overlong one is a bad request."""
    firmware = HackEEGFirmware(lambda _: RampPatient())
    firmware.receive(b"jsonlines\n")
    answers = [firmware.receive(bytes([byte])) for byte in b'{"COMMAND":"nop"}\n']
    assert b"".join(answers) == b'{"STATUS_CODE":200,"STATUS_TEXT":"Ok"}\r\n'
    long = b'{"COMMAND":"nop","X":"' + b"x" * 2000 + b'"}\n'
    assert json.loads(firmware.receive(long))["STATUS_CODE"] == 400
