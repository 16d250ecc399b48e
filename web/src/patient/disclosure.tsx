// Details that are built only when they are looked at.
import type { ComponentChildren } from "preact";
import { useState } from "preact/hooks";

export function Disclosure({ summary, testid, children, begin = false }: { summary: string; testid: string; children: ComponentChildren; begin?: boolean }) {
  const [open, show] = useState(begin);
  return (
    <details data-testid={testid} open={open} onToggle={(e) => show(e.currentTarget.open)}>
      <summary>{summary}</summary>
      {open ? children : null}
    </details>
  );
}
