// "No response" takes one key and then three questions: current, duration, electrodes. It covers nothing.
import { useEffect, useLayoutEffect, useRef, useState } from "preact/hooks";
import { format } from "../format";
import { isAbsent } from "../parts/value";
import { Key } from "../parts/control";
import { callAbsent } from "../state/edits";
import { tell } from "../state/events";
import { rowHere } from "../state/shown";
import { askAbsent } from "../state/view";

/** The key: opens the questions, takes an absent row back, or closes the questions again. */
export function absentKey(): void {
  const row = rowHere.value;
  if (askAbsent.value) askAbsent.value = false;
  else if (!row) tell("no response: stimulate first; there is no row yet that could be absent");
  else askAbsent.value = true;
}

export function AbsentForm() {
  const row = rowHere.value;
  const first = useRef<HTMLInputElement>(null);
  const [checked, check] = useState({ current: false, width: false, electrode: false });
  useLayoutEffect(() => first.current?.focus(), []);
  useEffect(() => { if (!row) askAbsent.value = false; }, [row]);
  if (!row) return null;
  const told = isAbsent(row.measurement) && !row.automatic;
  const send = async (absent: boolean) => {
    if (await callAbsent(row.id, absent, checked.electrode)) askAbsent.value = false;
  };
  const box = (name: keyof typeof checked, words: string, ref?: typeof first) => (
    <label><input type="checkbox" checked={checked[name]} data-testid={`no-response-${name}`} {...(ref ? { ref } : {})}
      onChange={(e) => check({ ...checked, [name]: e.currentTarget.checked })} /> {words}</label>
  );
  return (
    <form class="line-form" aria-label="No response" data-testid="absent-form" onSubmit={(e) => { e.preventDefault(); void send(true); }}>
      <b>No response?</b>
      {box("current", `current high enough: ${format("current_ma", row.current_ma)}`, first)}
      {box("width", `duration: ${format("pulse_us", row.width_us)}`)}
      {box("electrode", "electrodes checked")}
      <button type="submit" data-testid="absent-send" disabled={!checked.current || !checked.width}>Absent</button>
      {told ? <button type="button" data-testid="absent-back" onClick={() => void send(false)}>Take back</button> : null}
      <button type="button" onClick={() => { askAbsent.value = false; }}>Close <Key k="O" /></button>
    </form>
  );
}
