// Pain 0-10 and why the stimulation stopped: one key, one digit. Beside it the pulse width and a lower ceiling.
import { useLayoutEffect, useRef, useState } from "preact/hooks";
import { format, number, typedNumber } from "../format";
import { lowerCeiling, pain, setWidth, widthsOf } from "../state/actions";
import { tell } from "../state/events";
import { askPain } from "../state/view";
import { stimulator } from "../state/study";

export function Pulse() {
  const told = stimulator.value;
  const [typed, type] = useState("");
  const enter = () => {
    const ma = typedNumber(typed);
    if (ma !== null && told && ma > 0 && ma < told.ceiling_ma) void lowerCeiling(ma);
    else if (typed.trim() !== "") tell(`ceiling: type less than ${format("current_ma", told?.ceiling_ma ?? null)}; it can be lowered only, and until the study ends`);
    type("");
  };
  const list = told ? widthsOf(told) : [];
  return (
    <div class="pulse">
      <label>Width <select aria-label="Pulse width" data-testid="pulse-width" value={String(told?.width_us ?? "")} onChange={(e) => void setWidth(Number(e.currentTarget.value))}>
        {list.map((w) => <option key={w} value={String(w)}>{format("pulse_us", w)}</option>)}
      </select></label>
      <label>Ceiling <input inputMode="decimal" data-testid="ceiling" aria-label="Ceiling, mA: type a lower one" placeholder={number("current_ma", told?.ceiling_ma)} value={typed}
        onInput={(e) => type(e.currentTarget.value)} onBlur={enter} onKeyDown={(e) => { if (e.key === "Enter") e.currentTarget.blur(); }} /></label>
      <button type="button" data-testid="pain" aria-expanded={askPain.value} onClick={() => { askPain.value = !askPain.value; }}>Pain <kbd aria-hidden="true">P</kbd></button>
    </div>
  );
}

export function PainForm() {
  const first = useRef<HTMLInputElement>(null);
  const [level, say] = useState("");
  const [reason, why] = useState("");
  useLayoutEffect(() => first.current?.focus(), []);
  const send = async () => {
    const told = typedNumber(level);
    if (level.trim() !== "" && (told === null || !Number.isInteger(told) || told < 0 || told > 10)) return tell(`pain: "${level}" is not 0 to 10`);
    if (told === null && reason.trim() === "") return tell("pain: type 0 to 10, a reason, or both");
    await pain(told, reason.trim());
    askPain.value = false;
  };
  return (
    <form class="pain-form" aria-label="Pain" data-testid="pain-form" onSubmit={(e) => { e.preventDefault(); void send(); }}>
      <label>Pain 0–10 <input ref={first} inputMode="numeric" data-testid="pain-level" value={level} onInput={(e) => say(e.currentTarget.value)} /></label>
      <input aria-label="Reason for stopping" placeholder="reason for stopping" maxLength={200} value={reason} onInput={(e) => why(e.currentTarget.value)} />
      <button type="submit">Note</button>
    </form>
  );
}
