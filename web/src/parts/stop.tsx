// STOP: one place, every screen, every state. Never disabled.
import { timeOfDay } from "../format";
import { stop, stopUnanswered } from "../state/actions";
import { stoppedAt } from "../state/study";

export function Stop() {
  const stopped = stoppedAt.value;
  return (
    <button type="button" class="stop" data-testid="stop" onClick={() => void stop()} aria-keyshortcuts="Escape Pause">
      <span class="stop-word">
        <svg viewBox="0 0 24 24" width="26" height="26" aria-hidden="true">
          <path d="M7.5 1h9L23 7.5v9L16.5 23h-9L1 16.5v-9z" fill="currentColor" />
        </svg>
        {stopped ? "STOPPED" : "STOP"}
      </span>
      {stopUnanswered.value ? (
        <span class="stop-note" data-testid="stop-note">no answer: use the stimulator's own switch</span>
      ) : (
        stopped && <span class="stop-note" data-testid="stop-note">{timeOfDay(stopped)}</span>
      )}
    </button>
  );
}
