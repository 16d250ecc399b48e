// One place for each truth: patient, device, recording, stimulator, network. Never moves.
import { useEffect, useRef } from "preact/hooks";
import { bytes, clock as minutes, format, number } from "../format";
import {
  clock, connection, device, heartbeatS, mode, patient, recording, stimulator, stimulatorState, subject, tick, truth, viewers,
} from "../state/study";
import { everyFrame } from "../trace/trace";
import { Stop } from "./stop";

const SHAPES = {
  connecting: "…", live: "", stalled: "▲", lost: "✕", stopped: "■",
} as const;

/** A dot on a wave, moved by the server time of the newest block: it stops when data or page stop. */
function Heartbeat() {
  const dot = useRef<SVGCircleElement>(null);
  useEffect(() => everyFrame(() => dot.current?.setAttribute("cx", String(1 + 22 * (heartbeatS() % 1)))), []);
  return (
    <svg class="heartbeat" viewBox="0 0 24 16" width="24" height="16" aria-hidden="true">
      <path d="M0 8h6l2-5 4 10 3-8 2 3h7" fill="none" stroke="currentColor" stroke-width="1.6" />
      <circle ref={dot} cx="1" cy="14" r="1.8" fill="currentColor" />
    </svg>
  );
}

function DeviceCell() {
  const told = device.value;
  const now = truth.value;
  const since = told && now.contact && now.state !== "live" ? clock.age(told.since_s) : null;
  const fill = now.state === "lost" ? "bad" : now.state === "stalled" ? "caution" : "";
  return (
    <div class={`cell device ${fill}`} data-testid="status-device" data-state={now.state}>
      <span class="label" data-testid="device-sentence">{now.state === "live" || now.sentence === "" ? `Device${told ? ` · ${told.model}` : ""}` : now.sentence}</span>
      <span class="line">
        {now.state === "live" ? <Heartbeat /> : <span aria-hidden="true">{SHAPES[now.state]}</span>}
        <b class="state">{now.contact ? now.state.toUpperCase() : "NO CONTACT"}</b>
        {now.state === "live" ? (
          <>
            <span class="fact rate" data-testid="device-rate">{format("rate_hz", told?.rate_hz ?? null)}</span>
            <span class="fact age" data-testid="device-age">age {format("age_s", now.ageS)}</span>
          </>
        ) : (
          <span class="fact age" data-testid="device-age">
            {since !== null ? minutes(since) : now.ageS !== null ? minutes(now.ageS) : ""}
          </span>
        )}
        <span class="fact" data-testid="device-lost">
          {told && told.lost > 0 ? <span class="caution-mark" aria-hidden="true">▲ </span> : null}
          lost {format("count", told?.lost ?? null)}
        </span>
      </span>
    </div>
  );
}

function RecordingCell() {
  tick.value;
  const told = recording.value;
  const seconds = told ? told.seconds + (told.state === "recording" && truth.value.contact ? (clock.age(told.toldS) ?? 0) : 0) : 0;
  const words = { recording: "on disk", off: "", failed: "" } as const;
  return (
    <div class={`cell recording ${told?.state === "failed" ? "bad" : ""}`} data-testid="status-recording" data-state={told?.state ?? "off"}
      title={told?.path_name ? `${told.path_name}, ${bytes(told.bytes)}` : ""}>
      <span class="label">{told?.state === "failed" ? told.sentence : "Recording"}</span>
      <span class="line">
        <span aria-hidden="true">{told?.state === "recording" ? "●" : told?.state === "failed" ? "✕" : "○"}</span>
        <b class="state">{told?.state === "failed" ? "NOT ON DISK" : told?.state === "recording" ? minutes(seconds) : "OFF"}</b>
        <span class="fact wide">{words[told?.state ?? "off"]}</span>
      </span>
    </div>
  );
}

function StimulatorCell() {
  const state = stimulatorState.value;
  const told = stimulator.value;
  const hot = state === "armed" || state === "firing" || state === "unknown";
  return (
    <div class={`cell stimulator ${hot ? "caution" : ""}`} data-testid="status-stimulator" data-state={state}>
      <span class="label">Stimulator</span>
      <span class="line">
        {hot ? <span aria-hidden="true">⚡</span> : null}
        <b class="state">{state.toUpperCase()}</b>
        <span class="fact wide">{state === "unknown" ? "treat as armed" : state === "none" ? "" : format("current_ma", told?.current_ma ?? null)}</span>
      </span>
    </div>
  );
}

function NetworkCell() {
  const open = connection.value.open && truth.value.contact;
  const n = viewers.value;
  return (
    <div class="cell network" data-testid="status-network" data-state={open ? "ok" : "lost"}>
      <span class="label">Network</span>
      <span class="line">
        <b class="state">{open ? "OK" : "✕ DOWN"}</b>
        <span class="fact wide">{n === null ? "" : `${n} viewer${n === 1 ? "" : "s"}`}</span>
      </span>
    </div>
  );
}

/** Sex and age as far as known; what is not known is not guessed. */
function subjectWords(): string {
  const { sex, age_years: years } = subject.value;
  const told = [sex, years === null ? null : `${number("age_years", years)} y`].filter((one) => one !== null);
  return told.length === 0 ? "" : ` · ${told.join(" ")}`;
}

export function StatusBar() {
  const kind = mode.value;
  return (
    <header class="status" aria-label="Status">
      <Stop />
      <div class="cell patient" data-testid="status-patient" title={patient.value}>
        <span class="label">Patient{subjectWords()}</span>
        <b class="state">{patient.value || "–"}</b>
      </div>
      <DeviceCell />
      <RecordingCell />
      <StimulatorCell />
      <NetworkCell />
      <div class={kind === "live" || kind === null ? "cell mode" : "cell mode hatch"} data-testid="status-mode">
        {kind === "simulated" || kind === "replay" ? <b>{kind.toUpperCase()}<span class="only-spoken">{kind === "simulated" ? ": no real patient, every number comes from a simulator" : ": not live"}</span></b> : null}
      </div>
    </header>
  );
}
