// The bedside: rail, live strip, triggered view, stimulator and the muscle at hand. The table has the centre to itself.
import { centre } from "../state/view";
import { LivePanel } from "../trace/live";
import { WholeTable } from "../table/whole";
import { TriggeredPanel } from "../trace/triggered";
import { MuscleCard } from "./muscle";
import { Rail } from "./steps";
import { StimulatorPanel } from "./stimulator";

export function Bedside() {
  return (
    <div class={`bedside in-${centre.value}`}>
      <Rail />
      <main id="main" class="centre" data-testid="bedside">
        <h1 class="only-spoken">Bedside</h1>
        {centre.value === "table" ? null : <LivePanel />}
        {centre.value === "triggered" ? <TriggeredPanel /> : centre.value === "table" ? <WholeTable /> : null}
      </main>
      <aside class="right" aria-label="Stimulator and muscle">
        <StimulatorPanel />
        <MuscleCard />
      </aside>
    </div>
  );
}
