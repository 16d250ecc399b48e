// What is stimulated and recorded, in the title of the triggered view.
import { expect, test } from "vitest";
import { recordWords } from "../src/trace/triggered";

test.each([
  ["median", "left", "left APB", "APB"],
  ["median", "left", "left median D2", "D2"],
  ["ulnar", "right", "right ulnar D5", "D5"],
  ["sural", "left", "left sural", "sensory"],
])("%s of the %s side to %s is read as %s: a nerve is not named twice", (nerve, side, muscle, words) => {
  expect(recordWords(nerve, side, muscle)).toBe(words);
});
