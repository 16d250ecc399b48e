// UMN left, LMN right, one row a muscle; the parts of the UMN dial of the chosen one behind a disclosure.
import { format } from "../format";
import { Disclosure } from "./disclosure";
import { acting, beside, change, choices, choose, chosen, described, type Dials } from "./simulator";

const id = (muscle: string) => muscle.replaceAll(" ", "-");

function Slider({ name, value, testid, axis, turn }: { name: string; value: number; testid: string; axis: string; turn(value: number): void }) {
  return (
    <label class={`dial ${axis}`}>
      <input type="range" min="0" max="1" step="0.05" value={value} data-testid={testid} aria-label={name} onChange={(e) => turn(Number(e.currentTarget.value))} />
      <output>{format("fraction", value)}</output>
    </label>
  );
}

function Dial({ muscle, axis }: { muscle: string; axis: keyof Dials }) {
  return (
    <td>
      <Slider name={`${muscle}, ${axis.toUpperCase()} dial`} axis={axis} testid={`dial-${axis}-${id(muscle)}`}
        value={described.value?.dials?.[muscle]?.[axis] ?? 0} turn={(value) => void change("dial", { muscle, [axis]: value })} />
    </td>
  );
}

export function DialTable() {
  return (
    <table class="dials">
      <thead>
        <tr>
          <th scope="col">Muscle, true units</th>
          <th scope="col" class="umn"><abbr title="upper motor neuron">UMN</abbr></th>
          <th scope="col" class="lmn"><abbr title="lower motor neuron">LMN</abbr></th>
        </tr>
      </thead>
      <tbody>
        {(described.value?.muscles ?? []).map((one) => (
          <tr key={one.muscle}>
            <th scope="row">
              <button type="button" class="choose" aria-pressed={one.muscle === chosen.value} data-testid={`choose-${id(one.muscle)}`} onClick={() => choose(one.muscle)}>
                {one.muscle} <small class="dim">{one.nerve}, {one.units} units{one.channel === null ? ", no electrode" : `, channel ${one.channel}`}</small>
              </button>
            </th>
            <Dial muscle={one.muscle} axis="umn" />
            <Dial muscle={one.muscle} axis="lmn" />
          </tr>
        ))}
      </tbody>
    </table>
  );
}

/** Parts follow the UMN dial with the subject's own scatter until one is set by hand. */
export function DialParts() {
  const muscle = chosen.value;
  if (muscle === null || choices.value === null) return null;
  return (
    <Disclosure testid="dial-parts" summary={`Parts of the UMN dial, ${muscle}`}>
      <p class="dim">Each follows the UMN dial with a scatter of this subject's own, so that no measure implies another. Set one to take it off the dial.</p>
      <div class="parts">
        {choices.value.dial_parts.map((part) => (
          <div key={part}>
            <span>{part}</span>
            <Slider name={`${muscle}, ${part} part of the UMN dial`} axis="umn" testid={`part-${part}`}
              value={acting(beside.value, part) ?? 0} turn={(value) => void change("dial", { muscle, [part]: value })} />
            <button type="button" aria-label={`${part} follows the UMN dial again`} onClick={() => void change("dial", { muscle, [part]: null })}>follow</button>
          </div>
        ))}
      </div>
    </Disclosure>
  );
}
