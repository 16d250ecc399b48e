"""An 8-bit packet number and host time give the exact index, over whole turns of it too."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from drivers.openbci.counter import CounterUnwrap

RATE = 250.0


class Link:
    """A board and the host's polls on one virtual clock."""

    def __init__(self, modulus=256, rate_hz=RATE, true_rate_hz=RATE, seed=0):
        self.unwrap = CounterUnwrap(modulus, rate_hz)
        self.modulus = modulus
        self.true_rate_hz = true_rate_hz
        self.rng = np.random.default_rng(seed)
        self.now_s = 100.0
        self.sent = 0  # packets sent by the board
        self.waiting: list[tuple[int, int]] = []  # (packet, number) on its way to the host
        self.fed: list[int] = []  # packet of everything fed, -1 for a false one
        self.kept: list[tuple[int, int]] = []  # (packet, index)
        self.rejected = 0

    def run(self, seconds, *, lost=None, poll_s=0.02, blocked=False):
        """Let time pass; the host polls unless it is blocked (that delays, and loses nothing)."""
        end_s = self.now_s + seconds
        while self.now_s < end_s - 1e-9:
            self.now_s += poll_s
            due = int((self.now_s - 100.0) * self.true_rate_hz)
            for packet in range(self.sent, due):
                if lost is None or not lost(packet):
                    self.waiting.append((packet, packet % self.modulus))
            self.sent = due
            if not blocked:
                self.poll()

    def poll(self, jitter_s=0.004):
        """The host takes all that has come."""
        taken, self.waiting = self.waiting, []
        self.feed(taken, self.now_s + self.rng.uniform(0, jitter_s))

    def feed(self, taken, at_s):
        """Give packets to the unwrap and note what it made of them."""
        self.fed += [packet for packet, _ in taken]
        placed = self.unwrap.feed(np.array([n for _, n in taken], np.int64), at_s)
        decided, self.fed = self.fed[: len(placed.keep)], self.fed[len(placed.keep) :]
        kept = [p for p, keep in zip(decided, placed.keep, strict=True) if keep]
        self.rejected += int((~placed.keep).sum())
        self.kept += zip(kept, placed.indices.tolist(), strict=True)

    def check(self):
        """Every packet kept lies at the index of its true place."""
        assert self.kept[-1][0] >= self.sent - 20  # what came last is in
        first = self.kept[0][0]
        assert all(index == packet - first for packet, index in self.kept)


@pytest.mark.parametrize("modulus", [256, 128])
@pytest.mark.parametrize("turns", [1, 2, 7, 29])
def test_a_loss_of_whole_turns_is_found_by_time(modulus, turns):
    """k x 256 packets: no number is missing, and yet the count is exact."""
    link = Link(modulus, rate_hz=modulus, true_rate_hz=modulus)
    link.run(2.0)
    gone = range(link.sent, link.sent + turns * modulus)
    link.run(turns + 2.0, lost=lambda packet: packet in gone)
    link.check()
    assert link.rejected == 0


@given(
    outage_s=st.floats(0.1, 30.0),
    error=st.floats(-0.002, 0.002),
    before_s=st.floats(0.1, 40.0),
    seed=st.integers(0, 1000),
)
@settings(max_examples=20, deadline=None)
def test_any_outage_up_to_30_s_is_counted_exactly_at_0_2_percent(outage_s, error, before_s, seed):
    """The bar for 8-bit counters, at any phase of the counter and of the polls."""
    link = Link(true_rate_hz=RATE * (1 + error), seed=seed)
    link.run(before_s)
    end = link.sent + int(outage_s * RATE)
    begin = link.sent
    link.run(outage_s + 1.5, lost=lambda packet: begin <= packet < end)
    link.check()
    assert link.rejected == 0


@given(p=st.floats(0, 0.3), seed=st.integers(0, 1000))
@settings(max_examples=12, deadline=None)
def test_random_losses_are_placed_exactly(p, seed):
    """Single packets and short runs, up to three in ten."""
    link = Link(seed=seed)
    lost = np.random.default_rng(seed).random(4000) < p
    link.run(10.0, lost=lambda packet: bool(lost[packet]))
    link.run(0.5)
    link.check()
    assert link.rejected == 0


@pytest.mark.parametrize("stall_s", [0.4, 0.9, 1.1, 2.4])
def test_a_late_backlog_is_no_loss(stall_s):
    """The host stalls and then receives all in several bites: nothing is declared lost."""
    link = Link()
    link.run(3.0)
    link.run(stall_s, blocked=True)
    backlog = link.waiting
    for part in np.array_split(np.array(backlog), 4):
        link.now_s += 0.02
        link.waiting = []
        link.feed([tuple(row) for row in part.tolist()], link.now_s)
    due = int((link.now_s - 100.0) * link.true_rate_hz)
    link.waiting = [(packet, packet % 256) for packet in range(link.sent, due)]
    link.sent = due
    link.run(2.0)
    link.check()
    assert link.rejected == 0


@given(number=st.integers(0, 255), at=st.integers(260, 600))
@settings(max_examples=20, deadline=None)
def test_one_false_packet_costs_nothing_else(number, at):
    """A frame made of garbage, any number: refused, and no sample is declared lost for it, unless
    it happens to carry the number that is due."""
    link = Link()

    def with_false(taken, at_s):
        real = Link.feed
        cut = next((i for i, (packet, _) in enumerate(taken) if packet == at), None)
        if cut is not None:
            taken = [*taken[:cut], (-1, number), *taken[cut:]]
        real(link, taken, at_s)

    link.feed = with_false
    link.run(3.0)
    kept = dict(link.kept)
    if number == at % 256:
        return  # told apart by nothing but its content
    assert -1 not in kept
    assert link.rejected == 1
    link.check()


@given(number=st.integers(0, 255), at=st.integers(260, 600))
@settings(max_examples=20, deadline=None)
def test_one_wrong_number_costs_that_packet_only(number, at):
    """A flipped bit in the number: that packet is refused, the next lie where they belong."""
    link = Link()
    real = Link.feed
    link.feed = lambda taken, at_s: real(
        link, [(p, number if p == at else n) for p, n in taken], at_s
    )
    link.run(3.0)
    link.check()
    assert link.rejected == (0 if number == at % 256 else 1)


@given(sizes=st.lists(st.integers(0, 30), min_size=5, max_size=60))
@settings(max_examples=30, deadline=None)
def test_indices_do_not_depend_on_how_packets_are_bundled(sizes):
    """Any split of an unbroken run into polls gives indices 0, 1, 2, …"""
    unwrap, at, seen = CounterUnwrap(256, RATE), 0, []
    for size in sizes:
        numbers = np.arange(at, at + size) % 256
        at += size
        seen += unwrap.feed(numbers, 5.0 + at / RATE).indices.tolist()
    assert seen == list(range(at))
