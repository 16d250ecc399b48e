// The board: every muscle by axis and side, facing you, so the patient's right is on the left.
import { computed, signal } from "@preact/signals";
import { Ladder, LadderLegend } from "../parts/ladder";
import { cards, muscles, patient } from "../state/study";
import type { Card, Indicator, MuscleInfo } from "../wire/messages";
import { AxisColumn, rootWords } from "../bedside/muscle";

const REGIONS = ["bulbar", "cervical", "thoracic", "lumbosacral"] as const;
type Axis = "umn" | "lmn";
const chosen = signal<{ muscle: string; axis: Axis } | null>(null);

interface BoardRow { name: string; info: MuscleInfo; left: Card | null; right: Card | null }
const rows = computed<BoardRow[]>(() => {
  const names = [...new Set(muscles.value.map((m) => m.name))];
  return names.map((name) => {
    const card = (side: string) => cards.value.get(muscles.value.find((m) => m.name === name && m.side === side)?.key ?? "") ?? null;
    const info = muscles.value.find((m) => m.name === name) as MuscleInfo;
    return { name, info, left: card("left"), right: card("right") };
  });
});

function GradeCell({ card, axis }: { card: Card | null; axis: Axis }) {
  if (!card) return <td class="unrecorded"><span class="dim">not recorded</span></td>;
  const indicator = card[axis];
  const pressed = chosen.value?.muscle === card.muscle && chosen.value.axis === axis;
  return (
    <td>
      <button type="button" class="grade-button" aria-pressed={pressed} data-testid={`grade-${card.muscle.replace(" ", "-")}-${axis}`}
        onClick={() => { chosen.value = { muscle: card.muscle, axis }; }}>
        <Ladder indicator={indicator} size="row" />
        {indicator.severity ? <small>{indicator.severity}</small> : null}
      </button>
    </td>
  );
}

function Table() {
  return (
    <table class="board-table" data-testid="board-table">
      <thead>
        <tr>
          <th scope="col" class="umn">UMN right</th><th scope="col" class="lmn">LMN right</th>
          <th scope="col">muscle</th>
          <th scope="col" class="umn">UMN left</th><th scope="col" class="lmn">LMN left</th>
        </tr>
      </thead>
      {REGIONS.map((region) => {
        const list = rows.value.filter((r) => r.info.region === region);
        if (list.length === 0) return null;
        return (
          <tbody key={region}>
            <tr><th colSpan={5} scope="rowgroup" class="region">{region}</th></tr>
            {list.map((row) => (
              <tr key={row.name}>
                <GradeCell card={row.right} axis="umn" />
                <GradeCell card={row.right} axis="lmn" />
                <th scope="row" class="muscle-name">{row.name}<small>{rootWords(row.info)}</small></th>
                <GradeCell card={row.left} axis="umn" />
                <GradeCell card={row.left} axis="lmn" />
              </tr>
            ))}
          </tbody>
        );
      })}
    </table>
  );
}

function Detail() {
  const now = chosen.value;
  const indicator: Indicator | undefined = now ? cards.value.get(now.muscle)?.[now.axis] : undefined;
  if (!now || !indicator) return <p class="dim">Choose a grade to see what it stands on.</p>;
  return (
    <div data-testid="board-detail">
      <h2>{now.muscle}, <span class={now.axis}>{now.axis.toUpperCase()} evidence</span></h2>
      <p class="dim">{indicator.rule}; attribution {indicator.attribution}</p>
      <AxisColumn indicator={indicator} />
    </div>
  );
}

export function Board() {
  return (
    <div class="board">
      <aside class="panel legend-panel" aria-label="Legend">
        <h2>{patient.value || "–"}</h2>
        <p class="dim">facing you: right side of the body on the left</p>
        <LadderLegend />
        <p class="dim">UMN and LMN are graded apart; both can be present in one muscle. A muscle without electrodes is not recorded, and nothing is known of it.</p>
      </aside>
      <main id="main" class="panel board-main" data-testid="board" tabIndex={0} aria-label="Board">
        <h1 class="only-spoken">Board</h1>
        <Table />
      </main>
      <section class="panel detail" aria-label="Detail" tabIndex={0}><Detail /></section>
    </div>
  );
}
