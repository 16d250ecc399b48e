// Where electrodes and needles really lie, and what is wrong with them; the bedside is not told.
import { signal } from "@preact/signals";
import { format, number } from "../format";
import { Picker } from "../parts/control";
import { Disclosure } from "./disclosure";
import { change, choices, chosen, described, inForce, leadGroups } from "./simulator";

const UNUSED = "";
export const options = (all: readonly string[]) => all.map((v) => [v, v.replaceAll("_", " ")] as const);

export function PlacementPanel() {
  const all = choices.value, now = described.value?.placement;
  if (!all || !now) return null;
  const place = (moved: Partial<typeof now>) => {
    const next = { ...now, ...moved }, sites = all.nerves[next.nerve] ?? [];
    void change("placement", { ...next, site: sites.includes(next.site) ? next.site : sites[0] ?? next.site });
  };
  return (
    <div class="own-step">
      <Picker name="Nerve stimulated" options={options(Object.keys(all.nerves))} chosen={now.nerve} choose={(nerve) => place({ nerve })} testid="place-nerve" />
      <Picker name="Site stimulated" options={options(all.nerves[now.nerve] ?? [now.site])} chosen={now.site} choose={(site) => place({ site })} testid="place-site" />
      <Picker name="Side stimulated" options={options(all.sides)} chosen={now.side} choose={(side) => place({ side })} />
    </div>
  );
}

export function MontagePanel() {
  const all = choices.value, told = described.value;
  if (!all || !told?.montage) return null;
  return (
    <Disclosure testid="montage" summary="Recording electrodes">
      <p class="dim">The bedside keeps the names it has: this is where the electrodes really lie. A needle that is in can be put on a channel.</p>
      <div class="montage">
        {Object.entries(told.montage).map(([channel, lead]) => (
          <label key={channel}>
            <span>channel {channel}</span>
            <select value={lead ?? UNUSED} data-testid={`lead-${channel}`}
              onChange={(e) => void change("montage", { leads: { [channel]: e.currentTarget.value === UNUSED ? null : e.currentTarget.value } })}>
              <option value={UNUSED}>unused</option>
              {leadGroups(all, told.needles ?? [], lead).map(([group, leads]) => (
                <optgroup key={group} label={group}>{leads.map((one) => <option key={one} value={one}>{one}</option>)}</optgroup>
              ))}
            </select>
          </label>
        ))}
      </div>
    </Disclosure>
  );
}

const error = signal({ name: "", value: "1", channel: "" });

export function TechniquePanel() {
  const all = choices.value, told = described.value;
  if (!all || !told) return null;
  const known = all.technique.find((one) => one.name === error.value.name) ?? all.technique[0];
  if (!known) return null;
  const faults = inForce(told.technique ?? {});
  const channels = [["", "all channels"], ...Object.keys(told.montage ?? {}).map((c) => [c, `channel ${c}`])] as [string, string][];
  const make = (value: number, name: string, channel: number | null) => void change("technique", channel === null ? { name, value } : { name, value, channel });
  return (
    <Disclosure testid="technique" begin={faults.length > 0} summary={`Errors of technique: ${faults.length === 0 ? "none" : faults.length}`}>
      <div class="fields">
        <Picker name="Error" options={options(all.technique.map((one) => one.name))} chosen={known.name} testid="technique-name"
          choose={(name) => { error.value = { name, value: error.value.value, channel: "" }; }} />
        <label><span>value</span>
          <input type="number" min={known.lowest} max={known.highest} step="any" value={error.value.value} data-testid="technique-value"
            onInput={(e) => { error.value = { ...error.value, value: e.currentTarget.value }; }} />
        </label>
        {known.per_channel ? <Picker name="Channel of the error" options={channels} chosen={error.value.channel} choose={(channel) => { error.value = { ...error.value, channel }; }} /> : null}
        <button type="button" data-testid="technique-make"
          onClick={() => make(Number(error.value.value), known.name, known.per_channel && error.value.channel !== "" ? Number(error.value.channel) : null)}>Make it</button>
      </div>
      <p class="dim">{known.meaning} (up to {number("count", known.highest)}; 0 is right)</p>
      <ul class="faults">
        {faults.map((one) => (
          <li key={`${one.name}${one.channel}`}>
            {one.name.replaceAll("_", " ")} {number("ratio", one.value)}{one.channel === null ? "" : `, channel ${one.channel}`}{" "}
            <button type="button" aria-label={`Mend ${one.name}`} onClick={() => make(0, one.name, one.channel)}>Mend</button>
          </li>
        ))}
      </ul>
    </Disclosure>
  );
}

const needle = signal({ mm: "8", electrode: "" });

export function NeedlePanel() {
  const all = choices.value, told = described.value, muscle = chosen.value;
  if (!all || !told || muscle === null) return null;
  const tip = told.needles?.find((one) => one.muscle === muscle && one.inserted);
  const electrode = needle.value.electrode || all.needle.electrodes[0] || "";
  return (
    <Disclosure testid="needle" summary={`Needle, ${muscle}: ${tip ? `in, ${format("distance_mm", tip.depth_mm)} deep` : "out"}`}>
      <div class="fields">
        <label><span>mm</span>
          <input type="number" min="0" max="100" step="0.5" value={needle.value.mm} data-testid="needle-mm" onInput={(e) => { needle.value = { ...needle.value, mm: e.currentTarget.value }; }} />
        </label>
        <Picker name="Needle electrode" options={options(all.needle.electrodes)} chosen={electrode} choose={(kind) => { needle.value = { ...needle.value, electrode: kind }; }} />
        {all.needle.actions.map((action) => (
          <button type="button" key={action} data-testid={`needle-${action}`}
            onClick={() => void change("needle", { muscle, action, mm: Number(needle.value.mm), electrode })}>{action}</button>
        ))}
      </div>
      <p class="dim">Insert goes in anew at another place; put “needle {muscle}” on a channel above to see and hear it. Use 10 kHz or more.</p>
    </Disclosure>
  );
}
