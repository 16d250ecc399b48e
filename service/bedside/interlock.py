"""When a stimulator may fire: the safety rules as one pure state machine.

No I/O, no clock, no thread: every method is told the time, and `service.bedside.stimulation` does
what `armed` says. Rules (safety notes N1-N11 in docs/safety.md): a pulse needs a named operator on
one page that has been heard within 1 s, an answer about implanted devices, a live amplifier, a
chosen nerve and side, and limits kept; everything unexpected disarms; unknown is treated as
disarmed here and shown as armed on the page.
"""

from __future__ import annotations

from dataclasses import replace
from enum import StrEnum

from drivers.config import StimulatorLimits
from drivers.types import Pulse, StimulatorKind

from .placement import NO_STEP, Placement, StepPulse, first_pulse, step_words
from .pulse_limits import RepetitionCaps, pulse_problem
from .stimulator_words import AT_DEVICE, MANUAL, STOPPED
from .train import Declared, Train, train_problem

SILENT_S = 1.0
UNSEEN_S = 1.0
UNSEEN_LIMIT = 2
IMPLANTS = ("none", "present", "not_known")
DEFAULT_WIDTH_US = 200.0


class Phase(StrEnum):
    """What the page shows. `stopped` is latched until somebody arms again."""

    NONE = "none"
    SAFE = "safe"
    ARMED = "armed"
    FIRING = "firing"
    STOPPED = "stopped"
    UNKNOWN = "unknown"


class RefusedError(Exception):
    """A request the rules do not allow; nothing was sent. `cause` is one word for the record."""

    def __init__(self, cause: str, sentence: str) -> None:
        super().__init__(sentence)
        self.cause = cause


class Interlock:
    """The rules for one stimulator."""

    def __init__(
        self,
        limits: StimulatorLimits,
        *,
        present: bool,
        kind: StimulatorKind = StimulatorKind.CONTROLLED,
    ) -> None:
        self.limits = limits
        self.kind = kind
        self.phase = Phase.UNKNOWN if present else Phase.NONE
        self.sentence = (
            "waiting for the stimulator" if present else "no stimulator is set up; start with one"
        )
        self.pulse = Pulse(limits.start_ma, DEFAULT_WIDTH_US)
        self.placement = Placement()
        self._step = ""
        self.operator = ""
        self.implant = ""
        self.train: Train | None = None
        self.controller: str | None = None
        self.expires_s: float | None = None
        self._live = False
        self._epoch: int | None = None
        self._lost = ""
        self._heard: dict[str, float] = {}
        self._nonces: set[str] = set()
        self._caps = RepetitionCaps()
        self.hunting = False
        self._waiting: dict[str, float] = {}
        self._unseen = 0

    @property
    def armed(self) -> bool:
        """True while the stimulator itself may be armed; otherwise it must be told to disarm."""
        return self.phase in (Phase.ARMED, Phase.FIRING)

    def heard(self, client: str, now_s: float) -> None:
        """A page has shown that it is there."""
        self._heard[client] = now_s

    def gone(self, client: str) -> None:
        """A page has closed; the one that armed takes the arming with it."""
        self._heard.pop(client, None)
        if client == self.controller:
            self._disarm("the page that armed was closed")

    def ready(self) -> None:
        """The stimulator has answered and is disarmed. STOP stays latched."""
        if self.kind is StimulatorKind.MANUAL:
            self._set(Phase.UNKNOWN, MANUAL)  # it may fire at any time, whatever is done here
        elif self.phase is Phase.UNKNOWN:
            self._set(Phase.SAFE, f"back again after: {self._lost}" if self._lost else "")

    def link_lost(self, sentence: str) -> None:
        """The stimulator does not answer: its state is not known."""
        self._release()
        if self.phase is not Phase.NONE:
            self._lost = sentence
            self._set(Phase.UNKNOWN, sentence)

    def stop(self) -> None:
        """Off, latched until armed again; from any state, by anybody."""
        self._release()
        if self.phase is not Phase.NONE:
            manual = self.kind is StimulatorKind.MANUAL
            self._set(Phase.UNKNOWN if manual else Phase.STOPPED, STOPPED[self.kind])

    def disarm(self, sentence: str = "disarmed") -> None:
        """Off by request."""
        self._disarm(sentence)

    def amplifier(self, live: bool, epoch: int | None) -> None:
        """State of the recording device: not live, or a new epoch, disarms."""
        if self._live and not live:
            self._disarm("the amplifier no longer sends data")
        elif epoch != self._epoch and self._epoch is not None:
            self._disarm("the amplifier started a new epoch")
        self._live, self._epoch = live, epoch

    def place(self, placement: Placement, own: StepPulse = NO_STEP) -> None:
        """Another step: disarms, and starts from 0 mA at a new nerve or side. own: of the step;
        its usual width comes with it, and a wider one never makes the current do more."""
        if (placement, own.step) == (self.placement, self._step):
            return
        moved = (placement.nerve, placement.side) != (self.placement.nerve, self.placement.side)
        self.placement, self._step, self.hunting = placement, own.step, False
        before, stated = self.pulse, self.kind.stated
        self.pulse = first_pulse(before, own, self.limits, moved=moved, stated=stated)
        words = step_words(before, self.pulse)
        self._disarm(words)
        if self.phase is Phase.SAFE:  # not armed before: the pulse that is shown is another one
            self._set(Phase.SAFE, words)

    def hunt(self, on: bool) -> None:
        """Pulses from now on are to find the place: their sweeps are shown, and in no row. Ends at
        another step. Raises RefusedError while a train is declared: its sweeps are kept."""
        if on and self.train is not None:
            raise RefusedError("train", "a train is declared and is kept: end it before hunting")
        self.hunting = on

    def asked(self, implant: str) -> None:
        """The answer to "pacemaker, defibrillator or another implanted device?" (N11). Raises
        RefusedError for a word that is none of IMPLANTS; nothing is then changed."""
        if implant not in IMPLANTS:
            raise RefusedError(
                "no_answer", f"'{implant}' is no answer; expected one of {', '.join(IMPLANTS)}"
            )
        if implant != self.implant and self.implant:
            self._disarm("the answer about implanted devices changed")
        self.implant = implant

    def lower_ceiling(self, max_ma: float) -> None:
        """A lower limit for this study. Raises RefusedError for a higher one: limits never rise."""
        if not 0 < max_ma <= self.limits.max_ma:
            raise RefusedError(
                "above_limit",
                f"the ceiling is {self.limits.max_ma:g} mA and can only be lowered, not set to "
                f"{max_ma:g} mA",
            )
        self._disarm("the ceiling was lowered; arm again")
        self.limits = replace(self.limits, max_ma=max_ma)
        if self.pulse.current_ma > max_ma:
            self.pulse = Pulse(self.limits.start_ma, self.pulse.width_us)

    def check_configure(self, pulse: Pulse) -> None:
        """Raises RefusedError above a limit or for too large a step up."""
        self._check_present()
        self._check_limits(pulse)
        if self.kind is StimulatorKind.MANUAL:
            return  # said of a pulse that nothing here sends: a step up is a fact, not a request
        allowed = max(
            self.limits.max_step_ma, self.limits.max_step_fraction * self.pulse.current_ma
        )
        if pulse.current_ma - self.pulse.current_ma > allowed + 1e-9:
            raise RefusedError(
                "step_too_large",
                f"{pulse.current_ma:g} mA is more than {allowed:g} mA above the present "
                f"{self.pulse.current_ma:g} mA; go up in smaller steps",
            )

    def configured(self, pulse: Pulse) -> None:
        """The stimulator has confirmed the pulse, and disarmed."""
        self._disarm("configured; arm to stimulate")
        self.pulse = pulse
        if self.kind is StimulatorKind.MANUAL:
            self._set(Phase.UNKNOWN, MANUAL)

    def misstated(self) -> None:
        """What the operator said of the front panel was refused, so what it shows is in doubt: a
        triggered stimulator is disarmed, of a manual one the current is not known any more."""
        if self.kind.stated:
            self._disarm(
                f"what was typed was refused: the front panel must show {self.pulse.current_ma:g} "
                "mA before arming"
            )
        if self.kind is StimulatorKind.MANUAL:
            self.pulse = Pulse(self.limits.start_ma, self.pulse.width_us)

    def check_arm(
        self, client: str, operator: str, now_s: float, declared: Declared | None = None
    ) -> None:
        """Raises RefusedError unless `client` may arm now; None: single pulses, one a press."""
        self._check_here()
        if not operator.strip():
            raise RefusedError("no_operator", "arming needs the initials of who stimulates")
        if self.phase is Phase.UNKNOWN:
            raise RefusedError("unknown_state", f"its state is not known: {self.sentence}")
        if self.armed and client != self.controller:
            raise RefusedError("other_controller", f"{self.operator} has armed on another page")
        if not (self.placement.nerve and self.placement.side):
            raise RefusedError("no_step", "choose nerve, site and side before arming")
        if not self.implant:
            raise RefusedError(
                "not_asked", "answer first: pacemaker, defibrillator or another implanted device?"
            )
        if self.pulse.current_ma <= 0:
            raise RefusedError("no_current", "set a current before arming")
        if declared is not None:
            if self.hunting:
                raise RefusedError("hunting", "a train is kept: end hunting before declaring one")
            fixed = self.kind.stated
            problem = train_problem(declared, self.limits.declared, self.pulse.current_ma, fixed)
            if problem:
                raise RefusedError("train_refused", problem)
        self._check_signal(client, now_s)

    def armed_by(
        self, client: str, operator: str, now_s: float, declared: Declared | None = None
    ) -> None:
        """The stimulator has confirmed that it is armed."""
        self.train = None if declared is None else Train(declared, self.pulse.current_ma)
        self.controller, self.operator = client, operator.strip()
        self.expires_s = now_s + self.limits.arm_timeout_s
        self._unseen = 0
        self._waiting.clear()
        self._set(Phase.ARMED, self._armed_words())

    def fire(self, client: str, nonce: str, now_s: float) -> Pulse:
        """The pulse to send, once. Raises RefusedError; a refused or used nonce never fires."""
        self._check_here()
        if not nonce or nonce in self._nonces:
            raise RefusedError("replayed", "this pulse was asked for before; press again")
        self._nonces.add(nonce)
        self.tick(now_s)
        if not self.armed:
            raise RefusedError("not_armed", self.sentence or "arm the stimulator before firing")
        if client != self.controller:
            raise RefusedError("other_controller", f"{self.operator} has armed on another page")
        if self.train is not None and self.train.begun:
            self.end_train("a key was pressed")
            raise RefusedError("train_ended", self.sentence)
        pulse = self._checked(client, self.pulse, now_s)
        if self.train is not None:
            self.train.begin(now_s)
        self._set(Phase.FIRING, self.sentence)
        return pulse

    def train_pulse(self, now_s: float) -> Pulse | None:
        """The next pulse of a train that was begun, if it is due; None if there is none to send.
        What forbids it ends the train."""
        self.tick(now_s)
        train, client = self.train, self.controller
        if not self.armed or train is None or client is None or not train.due(now_s):
            return None
        pulse = replace(self.pulse, current_ma=train.current_ma())
        try:
            self._checked(client, pulse, now_s)
        except RefusedError as refusal:
            self.end_train(str(refusal))
            return None
        self._set(Phase.FIRING, self.sentence)
        return pulse

    def end_train(self, why: str) -> None:
        """The rest of a train is not sent; disarms. Without a train nothing happens."""
        if self.train is not None:
            self._disarm(f"train ended ({why}): {self.train.words}")

    def _checked(self, client: str, pulse: Pulse, now_s: float) -> Pulse:
        self._check_signal(client, now_s)
        self._check_limits(pulse)
        if problem := self._caps.problem(now_s, self.limits):
            raise RefusedError(*problem)
        return pulse

    def delivered(self, stimulus_id: str, now_s: float) -> None:
        """The stimulator has answered that the pulse went out; the edge is now expected."""
        self._caps.sent(now_s, self.limits)
        self._waiting[stimulus_id] = now_s
        if not self.armed:
            return
        self.expires_s = now_s + self.limits.arm_timeout_s
        if self.train is not None:
            self.train.counted(now_s)
            if self.train.done:
                self.end_train("complete")
                return
        self._set(Phase.ARMED, self._armed_words())

    def refused(self, sentence: str) -> None:
        """The stimulator itself refused: it is not in the state we believed."""
        self._disarm(sentence)

    def unseen(self, stimulus_id: str) -> None:
        """The pulse's edge did not come in the stream."""
        if self._waiting.pop(stimulus_id, None) is not None:
            self._unseen += 1

    def seen(self, stimulus_id: str) -> None:
        """The pulse's edge was found in the stream."""
        if self._waiting.pop(stimulus_id, None) is not None:
            self._unseen = 0

    def tick(self, now_s: float) -> None:
        """What time alone does: silence, expiry, and pulses nobody saw."""
        for stimulus_id in [i for i, at in self._waiting.items() if now_s - at > UNSEEN_S]:
            self.unseen(stimulus_id)
        if not self.armed:
            return
        if self.controller is not None and not self._present(self.controller, now_s):
            self._disarm("the page that armed has been silent for more than 1 s")
        elif self._unseen >= UNSEEN_LIMIT:
            self._disarm(
                "two pulses were sent but no edge came in the recording; check the trigger cable"
            )
        elif self.expires_s is not None and now_s >= self.expires_s:
            self._disarm(f"no pulse for {self.limits.arm_timeout_s:g} s")

    def expires_in_s(self, now_s: float) -> float | None:
        """Seconds of arming left; None when not armed."""
        return None if self.expires_s is None else max(0.0, self.expires_s - now_s)

    def _armed_words(self) -> str:
        words = f"armed by {self.operator}"
        return words if self.train is None else f"{words} for {self.train.words}"

    def _present(self, client: str, now_s: float) -> bool:
        last = self._heard.get(client)
        # both ways: a clock that was set back must not make a silent page a present one
        return last is not None and abs(now_s - last) <= SILENT_S

    def _check_present(self) -> None:
        if self.phase is Phase.NONE:
            raise RefusedError("no_stimulator", self.sentence)

    def _check_here(self) -> None:
        self._check_present()
        if self.kind is StimulatorKind.MANUAL:
            raise RefusedError("at_device", AT_DEVICE)

    def _check_signal(self, client: str, now_s: float) -> None:
        if not self._present(client, now_s):
            raise RefusedError("silent_client", "this page has no live connection; reload it")
        if not self._live:
            raise RefusedError("no_signal", "the amplifier sends no data to record")

    def _check_limits(self, pulse: Pulse) -> None:
        problem = pulse_problem(pulse, self.limits)
        if problem:
            raise RefusedError("above_limit", problem)

    def _disarm(self, sentence: str) -> None:
        was_armed = self.armed
        self._release()
        if was_armed:
            self._set(Phase.SAFE, sentence)

    def _release(self) -> None:
        self.controller, self.operator, self.expires_s = None, "", None
        self.train = None

    def _set(self, phase: Phase, sentence: str) -> None:
        self.phase, self.sentence = phase, sentence
