// One muscle, both axes side by side: UMN left, LMN right, never one.
import { Ladder } from "../parts/ladder";
import { Key, Picker } from "../parts/control";
import { nowStep } from "../state/stepping";
import { cards, muscle, muscles } from "../state/study";
import { chosenMuscle } from "../state/view";
import { number } from "../format";
import type { Indicator, Item, MuscleInfo } from "../wire/messages";
import type { Step } from "../wire/table";

const MARK = { abnormal: "▲", normal: "▽", borderline: "◇", unknown: "○" } as const;

/** What counts up, as in "34 of 200 windows"; the service's sentence may already say it. */
function progressWords(item: Item): string {
  if (!item.progress) return "";
  const [have, need] = item.progress;
  const said = ` of ${need} `; // also where the sentence is finer: "0.2 of 10 valid min"
  return `${item.sentence} `.includes(said) ? "" : ` (${number("count", have)} of ${number("count", need)})`;
}

function Line({ item, axis }: { item: Item; axis: "umn" | "lmn" }) {
  const hardware = item.state === "unknown" && /not assessable/i.test(item.sentence);
  return (
    <li class={`item ${item.state}${hardware ? " not-assessable" : ""}${item.counted ? "" : " uncounted"}`} data-family={item.family} data-state={item.state}
      data-progress={item.progress ? item.progress.join("/") : undefined}>
      <span class={`mark ${item.state === "abnormal" ? axis : ""}`} aria-hidden="true">{item.counted ? MARK[item.state] : "="}</span>
      <span>
        {item.sentence}{progressWords(item)}
        {item.would_change_grade && item.state === "unknown" && !hardware ? <em> can change the grade</em> : null}
        {item.counted ? "" : <em> shown, not counted</em>}
      </span>
    </li>
  );
}

function Items({ name, items, axis, none }: { name: string; items: readonly Item[]; axis: "umn" | "lmn"; none: string }) {
  return (
    <>
      <h4>{name}</h4>
      <ul data-testid={`${axis}-${name}`}>
        {items.length === 0 ? <li class="item dim">{none}</li> : items.map((item, i) => <Line key={`${item.family}${i}`} item={item} axis={axis} />)}
      </ul>
    </>
  );
}

/** One axis: ladder, word, severity beside it, and every item for, against and missing. */
export function AxisColumn({ indicator }: { indicator: Indicator }) {
  const { axis } = indicator;
  return (
    <div class={`axis ${axis}`} data-testid={`axis-${axis}`} data-grade={indicator.grade}>
      <h3 class={axis}><abbr title={axis === "umn" ? "upper motor neuron" : "lower motor neuron"}>{axis.toUpperCase()}</abbr> evidence</h3>
      <Ladder indicator={indicator} />
      {indicator.severity ? <p class="severity">{indicator.severity}</p> : null}
      {indicator.attribution === "uncertain" ? <p class="severity">attribution uncertain</p> : null}
      <Items name="for" items={indicator.items_for} axis={axis} none="none so far" />
      <Items name="against" items={indicator.items_against} axis={axis} none="none so far" />
      <Items name="missing" items={indicator.missing} axis={axis} none="nothing" />
    </div>
  );
}

/** Roots as a range: C8–T1, C6–8. */
export function rootWords(m: MuscleInfo): string {
  if (typeof m.roots === "string") return m.roots;
  const [first = "", last = ""] = [m.roots[0], m.roots.at(-1)];
  if (first === last) return first;
  return `${first}–${last.startsWith(first.charAt(0)) ? last.slice(1) : last}`;
}

export function nextMuscle(): void {
  const list = muscles.value;
  const at = list.findIndex((m) => m.key === muscle.value?.key);
  chosenMuscle.value = list[(at + 1) % Math.max(1, list.length)]?.key ?? null;
}

/** What is recorded at this step on a channel that is called after another muscle, and is no muscle of the montage itself. */
function elsewhere(): Step | null {
  const at = nowStep.value;
  const away = at?.muscle === chosenMuscle.value && at.channel && at.channel !== at.muscle && at.measure !== "sensory_response";
  return away && !muscles.value.some((m) => m.key === at.muscle) ? at : null;
}

/** Nothing that was gathered of the channel's muscle is told of another one. */
function Elsewhere({ at }: { at: Step }) {
  return (
    <section class="panel muscle" aria-label={`Muscle ${at.muscle}`} data-testid="muscle-card" data-muscle={at.muscle}>
      <div class="panel-head">
        <Picker name="Muscle" testid="muscle-choice" options={[[at.muscle, at.muscle], ...muscles.value.map((m) => [m.key, m.key] as const)]} chosen={at.muscle}
          choose={(v) => { chosenMuscle.value = v; }} />
        <Key k="C" />
      </div>
      <p>{at.muscle} is recorded on the channel called {at.channel}, whose electrodes were moved there. Its numbers stand in the table; evidence on both axes is gathered of the muscles that the channels are called after, and of {at.channel} only while its electrodes are back.</p>
    </section>
  );
}

export function MuscleCard() {
  const moved = elsewhere();
  const now = muscle.value;
  if (moved) return <Elsewhere at={moved} />;
  if (!now) return <section class="panel muscle" aria-label="Muscle"><p class="dim">No channel is placed over a muscle.</p></section>;
  const card = cards.value.get(now.key);
  return (
    <section class="panel muscle" aria-label={`Muscle ${now.key}`} data-testid="muscle-card" data-muscle={now.key}>
      <div class="panel-head">
        <Picker name="Muscle" testid="muscle-choice" options={muscles.value.map((m) => [m.key, m.key] as const)} chosen={now.key}
          choose={(v) => { chosenMuscle.value = v; }} />
        <Key k="C" />
        <span class="dim">{rootWords(now)} · {now.nerve} · {now.region}</span>
      </div>
      {card ? (
        <div class="axes" tabIndex={0} role="group" aria-label={`Evidence, ${now.key}`}>
          <AxisColumn indicator={card.umn} />
          <AxisColumn indicator={card.lmn} />
        </div>
      ) : (
        <p class="dim">No evidence has been gathered yet: nothing is known of either axis.</p>
      )}
    </section>
  );
}
