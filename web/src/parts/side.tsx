// Side in tone and word: left is open, right is filled; so it is told apart in grey too.
export function Side({ side, short = false }: { side: string; short?: boolean }) {
  return <span class={`side ${side}`}>{short ? side.charAt(0).toUpperCase() : side.toUpperCase()}{short ? <span class="only-spoken">{side.slice(1)}</span> : null}</span>;
}
