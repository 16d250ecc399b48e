import { beforeEach, expect, test } from "vitest";
import { events, lastEvent, tell, tellGap } from "../src/state/events";

const at = (s: number) => new Date(1_000_000 + 1000 * s);
const words = (samples: number, count: number) => `${samples} samples in ${count}`;

beforeEach(() => { events.value = []; });

test("a lossy spell is one event per ten seconds that counts, whatever else is said between", () => {
  for (let s = 0; s < 30; s += 0.5) {
    tellGap(10, words, at(s));
    if (s === 4) tell("armed by AB", "armed", at(s));
  }
  expect(events.value.map((e) => e.sentence)).toEqual([
    "210 samples in 21", "armed by AB", "210 samples in 21", "180 samples in 18",
  ]);
  expect(lastEvent.value?.at).toEqual(at(21));
});

test("what is said after a gap stays the last thing said while the gap goes on counting", () => {
  tellGap(10, words, at(0));
  tell("new epoch 2", "note", at(1));
  tellGap(5, words, at(2));
  expect(lastEvent.value?.sentence).toBe("new epoch 2");
  expect(events.value[0]?.sentence).toBe("15 samples in 2");
});
