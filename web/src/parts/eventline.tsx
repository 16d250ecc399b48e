// The foot: what this is not, the last event, and the key to all keys.
import type { ComponentChildren } from "preact";
import { useEffect, useState } from "preact/hooks";
import { timeOfDay } from "../format";
import { alertSentence, events, lastEvent, type PageEvent } from "../state/events";
import { showEvents, showKeys } from "../state/view";
import { Key } from "./control";

const SPOKEN_EVERY_MS = 2000;

const line = (e: PageEvent) => `${timeOfDay(e.at)} ${e.sentence}`;

/** The polite live region speaks at most once in two seconds; the line itself is always current. */
function Spoken() {
  const [said, say] = useState("");
  useEffect(() => {
    const timer = setInterval(() => say(lastEvent.peek()?.sentence ?? ""), SPOKEN_EVERY_MS);
    return () => clearInterval(timer);
  }, []);
  return <span class="only-spoken" role="status">{said}</span>;
}

export function EventLine({ children }: { children: ComponentChildren }) {
  const last = lastEvent.value;
  return (
    <footer class="foot">
      <b class="disclaimer">Research use only. Not a diagnosis. Not a medical device.</b>
      {children}
      <button type="button" class="event" data-testid="event-line" aria-expanded={showEvents.value}
        onClick={() => { showEvents.value = !showEvents.value; }}>
        {last ? line(last) : "no event yet"}
      </button>
      <button type="button" class="keys-button" aria-expanded={showKeys.value} onClick={() => { showKeys.value = !showKeys.value; }}>
        <Key k="?" /> all keys
      </button>
      <Spoken />
      <span class="only-spoken" role="alert">{alertSentence.value}</span>
    </footer>
  );
}

/** The list behind the line: newest first, beside the work, never over STOP or the status. */
export function EventList() {
  if (!showEvents.value) return null;
  return (
    <section class="sheet events" aria-label="Events" data-testid="event-list">
      <div class="sheet-head">
        <h2>Events</h2>
        <button type="button" onClick={() => { showEvents.value = false; }}>Close <Key k="E" /></button>
      </div>
      <ol tabIndex={0} aria-label="Events, newest first">{[...events.value].reverse().map((e, i) => <li key={i}>{line(e)}</li>)}</ol>
    </section>
  );
}
