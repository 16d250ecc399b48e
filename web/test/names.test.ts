// What is stimulated and recorded, in the title of the triggered view.
import { expect, test } from "vitest";
import { channelOf } from "../src/state/stepping";
import { stimulatedWords } from "../src/state/table";
import { recordWords } from "../src/trace/triggered";

test.each([
  ["median", "left", "left APB", "APB"],
  ["median", "left", "left median D2", "D2"],
  ["ulnar", "right", "right ulnar D5", "D5"],
  ["sural", "left", "left sural", "sensory"],
])("%s of the %s side to %s is read as %s: a nerve is not named twice", (nerve, side, muscle, words) => {
  expect(recordWords(nerve, side, muscle)).toBe(words);
});

test("a row without a nerve says so instead of a bare comma", () => {
  expect(stimulatedWords("ulnar", "below_elbow")).toBe("ulnar, below elbow");
  expect(stimulatedWords("", "")).toBe("unexplained pulse");
});

test("a step is recorded on the channel assigned to it, else on the one called after its muscle, else on none", () => {
  const labels = ["left APB", "left EDC", "left median D2 SNAP"];
  const step = { nerve: "median", site: "wrist", side: "left", muscle: "left median D2" };
  expect(channelOf(step, labels)).toBe("left median D2 SNAP");
  expect(channelOf({ ...step, channel: "left EDC" }, labels)).toBe("left EDC");
  expect(channelOf({ ...step, channel: "left FDS" }, labels)).toBe("left median D2 SNAP");
  expect(channelOf({ ...step, muscle: "left ulnar D5" }, labels)).toBeNull();
});
