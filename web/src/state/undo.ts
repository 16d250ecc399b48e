// Ctrl+Z: the last marker, exclusion or rejection of this page is gone back on by a new edit. Nothing is erased: the study keeps
// what was done, and that it was taken back, by whom and when.
import { tell } from "./events";
import { studyId } from "./study";

/** Of the study at the bed. `back`, `again`: the edits that go back and forth; false: refused, and why was said. */
export interface Change {
  /** What was done, and what going back comes to, in words. */
  did: string; undid: string;
  /** Whether it stands as it was left, before going back (`again`: before doing it once more): else somebody changed it since. */
  stands(again: boolean): boolean;
  back(): Promise<boolean>;
  again(): Promise<boolean>;
}

const MOST = 200;
let study = "";
let done: Change[] = [];
let undone: Change[] = [];
let busy = false;
let underway: Promise<unknown> = Promise.resolve();

/** Another study: what was done in the one before is not this page's to take back. */
function here(): void {
  if (study === studyId.value) return;
  study = studyId.value;
  done = [];
  undone = [];
}

/** An edit on its way to the service: once it is taken it can be undone. A key that undoes waits for the answer, since the page
 *  may show what was changed before it. */
export async function edited(taken: Promise<boolean>, change: Change | null): Promise<void> {
  const told = taken.then((yes) => {
    if (!yes || !change) return;
    here();
    done = [...done.slice(1 - MOST), change];
    undone = [];
  });
  underway = Promise.allSettled([underway, told]);
  await told;
}

async function turn(again: boolean): Promise<void> {
  await underway;
  here();
  if (busy) return;
  const change = (again ? undone : done).pop();
  if (!change) return tell(again ? "nothing to do once more" : "nothing to undo: no marker, exclusion or rejection of this page");
  if (!change.stands(again)) return tell(`not ${again ? "done once more" : "undone"}: ${change.did}, but it was changed since`);
  busy = true;
  const taken = await (again ? change.again() : change.back());
  busy = false;
  // what was refused stays where it was: it can be tried again
  const to = taken === again ? done : undone;
  to.push(change);
  if (taken) tell(again ? `once more: ${change.did}` : `undone: ${change.undid}; both are kept in the study`);
}

export const undo = () => turn(false);
export const redo = () => turn(true);
