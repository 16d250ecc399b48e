// A study looked at: its table, the sweeps of each row, its steps and who changed what. Nothing is changed here but by
// reopening it, which puts it back at the bed.
import { signal } from "@preact/signals";
import { useEffect } from "preact/hooks";
import { timeOfDay } from "../format";
import { MunixPlot } from "../late/munix";
import { Side } from "../parts/side";
import { closeStudy, openStudy } from "../state/stepping";
import { loadReview, loadRow, review, reviewRow } from "../state/review";
import { mode, studyId } from "../state/study";
import { measureWords, placeWords } from "../state/table";
import { measuresOf } from "../table/columns";
import { Detail } from "../table/detail";
import { Cells, Heads } from "../table/results";
import type { Edit, RowText, Step, StudyLine } from "../wire/table";
import { editWords } from "./edits";
import { ReviewPlot } from "./sweeps";

const day = (utc: string) => `${utc.slice(0, 10)} ${timeOfDay(new Date(utc))}`;
/** Reopening is asked about once: it ends what is under way at the bed. */
const sure = signal(false);

function Head({ study }: { study: StudyLine }) {
  const open = async () => {
    if (!study.current && !sure.value) { sure.value = true; return; }
    sure.value = false;
    if (await openStudy(study.id)) location.hash = `#/study/${encodeURIComponent(study.id)}`;
  };
  const { state } = study;
  return (
    <section class="panel review-head" aria-label="Study">
      <h1>{study.patient || "unnamed"}{study.visit ? `, ${study.visit}` : ""}</h1>
      <p data-testid="review-state"><b>{study.current ? "AT THIS BED" : state.toUpperCase()}</b>{state === "closed" ? ": to be looked at only, until it is reopened" : ""}</p>
      <dl>
        <div><dt>Protocol</dt><dd>{placeWords(study.protocol)}</dd></div>
        <div><dt>Operator</dt><dd>{study.operator || "not told"}</dd></div>
        <div><dt>Begun</dt><dd>{day(study.opened_utc)}</dd></div>
        {study.closed_utc ? <div><dt>Closed</dt><dd>{day(study.closed_utc)}</dd></div> : null}
        <div><dt>Recordings</dt><dd>{(study.recordings ?? []).map((r) => r.file).join(", ") || "none"}</dd></div>
      </dl>
      {mode.value === "replay" ? null : (
        <div class="pair">
          {study.current
            ? <button type="button" data-testid="review-close" onClick={() => void closeStudy(study.id).then(() => loadReview(study.id))}>Close</button>
            : <button type="button" data-testid="review-open" onClick={() => void open()}>{sure.value ? "Yes, reopen it here" : state === "closed" ? "Reopen" : "Go on"}</button>}
          {sure.value ? <button type="button" onClick={() => { sure.value = false; }}>Not now</button> : null}
        </div>
      )}
      {sure.value ? <p data-testid="review-ask">The study at the bed is left as it stands, and its recording ends.</p> : null}
    </section>
  );
}

const SHAPE = { open: "○", done: "✓", skipped: "┄" } as const;
function Steps({ list }: { list: readonly Step[] }) {
  return (
    <section class="panel review-list" aria-label="Steps of this study">
      <h2>Steps</h2>
      <div class="scrolled" tabIndex={0} role="group" aria-label="Steps, list">
        <ul>
          {list.map((s) => (
            <li key={s.id}><span aria-hidden="true">{SHAPE[s.state ?? "open"]}</span> {(s.label ?? "").replaceAll("_", " ")}: {s.state ?? "open"}{s.reason ? `, ${s.reason}` : ""}{(s.run ?? 1) > 1 ? `, ${s.run} runs` : ""}</li>
          ))}
        </ul>
      </div>
    </section>
  );
}

function Edits({ list }: { list: readonly Edit[] }) {
  return (
    <section class="panel review-list" aria-label="Who did what">
      <h2>Who did what</h2>
      <div class="scrolled" tabIndex={0} role="group" aria-label="Changes, list">
        {list.length === 0 ? <p class="dim">Nothing was changed by hand.</p> : null}
        <ul data-testid="review-edits">{list.map((e) => <li key={e.id}><b>{timeOfDay(new Date(e.at_utc))} {e.by}</b> {editWords(e)}</li>)}</ul>
      </div>
    </section>
  );
}

function Line({ row }: { row: RowText }) {
  const here = row.id === reviewRow.value;
  const choose = () => { reviewRow.value = row.id; };
  return (
    <tr class={here ? "chosen" : ""} data-row={row.id} onClick={choose}>
      <td><Side side={row.side} /></td>
      <th scope="row">
        <button type="button" class="row-name" aria-pressed={here} onClick={choose}>
          {placeWords(row.nerve)}, {placeWords(row.site)} → {row.muscle.replace(`${row.side} `, "")}{row.run > 1 ? `, run ${row.run}` : ""}
        </button>
      </th>
      <Cells line={row} fixed />
    </tr>
  );
}

function Rows({ list }: { list: readonly RowText[] }) {
  return (
    <section class="panel review-table" aria-label="Table of the study">
      <div class="whole-space" tabIndex={0} role="group" aria-label="All rows">
        {list.length === 0 ? <p class="dim empty">No row: nothing was stimulated in this study.</p> : null}
        {measuresOf(list).map((measure) => (
          <table class="results" key={measure} data-measure={measure}>
            <caption>{measureWords(measure)}</caption>
            <thead><tr><th scope="col">Side</th><th scope="col">Nerve, site → recorded</th><Heads measure={measure} /></tr></thead>
            <tbody>{list.filter((r) => r.measure === measure).map((row) => <Line key={row.id} row={row} />)}</tbody>
          </table>
        ))}
      </div>
    </section>
  );
}

export function Review({ id }: { id: string }) {
  const asked = id === "current" ? studyId.value : id;
  useEffect(() => { sure.value = false; void loadReview(asked); }, [asked]);
  const told = review.value;
  const row = told?.rows.find((r) => r.id === reviewRow.value) ?? null;
  useEffect(() => { if (row) void loadRow(asked, row); }, [row, asked]);
  if (told?.study.id !== asked) return <main id="main" class="review" data-testid="review"><h1 class="only-spoken">Review</h1><p class="dim empty">Reading the study…</p></main>;
  return (
    <main id="main" class="review" data-testid="review">
      <div class="review-side"><Head study={told.study} /><Steps list={told.steps} /><Edits list={told.edits} /></div>
      <div class="review-centre">
        <Rows list={told.rows} />
        {row ? (
          <section class="panel review-row" aria-label="Row looked at">
            {row.derived ? null : row.measure === "munix" ? <div class="picture"><MunixPlot m={row.measurement} ids={[]} /></div> : <ReviewPlot row={row} sweeps={told.sweeps} />}
            <div class="detail-space" tabIndex={0} role="group" aria-label="Row in full"><Detail row={row} /></div>
          </section>
        ) : null}
      </div>
    </main>
  );
}
