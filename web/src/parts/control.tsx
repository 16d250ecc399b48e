// − value +: one step at a time, ends of the list disabled.
import type { ComponentChildren } from "preact";

interface Props { name: string; shown: string; less(): void; more(): void; atMin?: boolean; atMax?: boolean; testid?: string }

/** Left out where room is short: the group's name says it. */
const PER = "/div";

export function Stepper({ name, shown, less, more, atMin = false, atMax = false, testid }: Props) {
  return (
    <span class="stepper" role="group" aria-label={name} data-testid={testid}>
      <button type="button" aria-label={`${name} down`} onClick={less} disabled={atMin}>−</button>
      <output>{shown.replace(PER, "")}{shown.endsWith(PER) ? <span class="per">{PER}</span> : null}</output>
      <button type="button" aria-label={`${name} up`} onClick={more} disabled={atMax}>+</button>
    </span>
  );
}

export function Segmented<T extends string>({ name, options, chosen, choose }: {
  name: string; options: readonly (readonly [T, ComponentChildren])[]; chosen: T; choose(value: T): void;
}) {
  return (
    <span class="segmented" role="group" aria-label={name}>
      {options.map(([value, shown]) => (
        <button type="button" key={value} aria-pressed={value === chosen} data-value={value} onClick={() => choose(value)}>
          {shown}
        </button>
      ))}
    </span>
  );
}

export function Picker({ name, options, chosen, choose, testid }: {
  name: string; options: readonly (readonly [string, string])[]; chosen: string; choose(value: string): void; testid?: string;
}) {
  return (
    <select aria-label={name} value={chosen} data-testid={testid} onChange={(e) => choose(e.currentTarget.value)}>
      {options.map(([value, shown]) => <option key={value} value={value}>{shown}</option>)}
    </select>
  );
}

/** The key that does the same, shown beside a button's word. */
export function Key({ k }: { k: string }) {
  return <kbd aria-hidden="true">{k}</kbd>;
}
