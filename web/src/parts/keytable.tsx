// `?`: the table of keys, beside the work; not a dialog, since Esc is STOP.
import { BINDINGS } from "../keys";
import { showKeys } from "../state/view";
import { Key } from "./control";

const SHOWN: Record<string, string> = { " ": "Space", Escape: "Esc", ArrowUp: "↑", ArrowDown: "↓", ArrowLeft: "←", ArrowRight: "→" };

function shown(key: string): string {
  const bare = key.replace("Shift+", "");
  const name = SHOWN[bare] ?? (bare.length === 1 ? bare.toUpperCase() : bare);
  return key.startsWith("Shift+") ? `Shift ${name}` : name;
}

export function KeyTable() {
  if (!showKeys.value) return null;
  return (
    <section class="sheet keys" aria-label="All keys" data-testid="key-table">
      <div class="sheet-head">
        <h2>All keys</h2>
        <button type="button" onClick={() => { showKeys.value = false; }}>Close <Key k="?" /></button>
      </div>
      <dl tabIndex={0} aria-label="Keys and what they do">
        {BINDINGS.map((b) => (
          <div key={b.action}>
            <dt>{b.keys.map((k) => <kbd key={k}>{shown(k)}</kbd>)}</dt>
            <dd>{b.does}</dd>
          </div>
        ))}
      </dl>
    </section>
  );
}
