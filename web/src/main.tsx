// Boot: theme, socket, routes, keys. Everything else hangs from signals.
import { effect, signal } from "@preact/signals";
import { render } from "preact";
import "./style/tokens.css";
import "./style/page.css";
import "./style/studies.css";
import { Bedside } from "./bedside/bedside";
import { Start } from "./bedside/start";
import { Board } from "./board/board";
import { dispatchKeys } from "./dispatch";
import { Patient } from "./patient/patient";
import { Review } from "./review/review";
import { EventLine, EventList } from "./parts/eventline";
import { KeyTable } from "./parts/keytable";
import { StatusBar } from "./parts/statusbar";
import { armedHere, operator, useSocket } from "./state/actions";
import { tell } from "./state/events";
import { addSamples } from "./state/sweeps";
import { apply, beat, connection, device, emgLabels, framed, mode, stimulatorState, stream, studyId } from "./state/study";
import { presetId, windowS } from "./state/view";
import { askForView, fitRing, stripFrame, stripText, stripViewed } from "./trace/strip";
import { ANOTHER_STUDY, LiveSocket } from "./wire/live";

const BEAT_MS = 250;
const route = signal(location.hash);
addEventListener("hashchange", () => { route.value = location.hash; });

const scale = Number(new URLSearchParams(location.search).get("scale"));
if (scale >= 1 && scale <= 3) document.documentElement.style.setProperty("font-size", `${scale * 100}%`);

const socket = new LiveSocket(`${location.protocol === "https:" ? "wss" : "ws"}://${location.host}/api/live`, {
  opened: () => { connection.value = { open: true, reason: "" }; },
  closed: (reason) => {
    if (connection.peek().open && reason === ANOTHER_STUDY) tell(reason);
    else if (connection.peek().open) tell(`contact with the service lost: ${reason}`, "lost");
    connection.value = { open: false, reason };
    armedHere.value = false;
    socket.setArmed(false);
  },
  text: (message) => {
    apply(message);
    stripText(message);
  },
  viewed: stripViewed,
  frame: (frame) => {
    framed(frame.serverS);
    if (frame.kind === "sweep") addSamples(frame);
    else stripFrame(frame);
  },
});
useSocket(socket);
socket.connect();
setInterval(beat, BEAT_MS);
dispatchKeys();

// The view follows the controls; the first device's first EMG stream is the one shown.
effect(() => {
  if (device.value === null || stream.value === null || emgLabels.value.length === 0) return;
  presetId.value; windowS.value;
  askForView(socket);
  fitRing();
});
// A first visit goes straight to the traces; `#/` is still the start screen.
effect(() => {
  if (mode.value !== null && route.value === "") location.replace(`#/study/${encodeURIComponent(studyId.peek())}`);
});
effect(() => {
  if (mode.value === "simulated" && operator.peek() === "") operator.value = "SIM";
});
effect(() => {
  if (stimulatorState.value !== "armed" && stimulatorState.value !== "firing" && stimulatorState.value !== "unknown" && !armedHere.peek()) socket.setArmed(false);
});

function Screen() {
  const path = route.value;
  if (path === "#/") return <Start />;
  if (path === "#/patient") return <Patient />;
  const looked = /^#\/study\/([^/]+)\/review$/.exec(path);
  if (looked) return <Review id={decodeURIComponent(looked[1] ?? "current")} />;
  return path.endsWith("/board") ? <Board /> : <Bedside />;
}

function Links() {
  const home = `#/study/${encodeURIComponent(studyId.value)}`;
  const links: [string, string][] = [["#/", "Start"], [home, "Bedside"], [`${home}/board`, "Board"], [`${home}/review`, "Review"]];
  if (mode.value === "simulated") links.push(["#/patient", "Patient"]);
  const now = route.value === "" ? home : route.value;
  return (
    <nav class="links" aria-label="Screens">
      {links.map(([href, name]) => <a key={href} href={href} aria-current={href === now ? "page" : undefined}>{name}</a>)}
    </nav>
  );
}

function Page() {
  return (
    <>
      <a class="skip" href="#main" onClick={(e) => { e.preventDefault(); document.getElementById("main")?.focus(); }}>to the main part</a>
      <StatusBar />
      <div class="screen"><Screen /></div>
      <EventList />
      <KeyTable />
      <EventLine><Links /></EventLine>
    </>
  );
}

const root = document.getElementById("page");
if (root) render(<Page />, root);
