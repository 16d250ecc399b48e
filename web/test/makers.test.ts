// One maker each of grades, values, numbers and canvases: nobody else draws or formats them.
import { readdirSync, readFileSync } from "node:fs";
import { expect, test } from "vitest";

const root = new URL("../src/", import.meta.url);
const files = readdirSync(root, { recursive: true, encoding: "utf8" }).filter((f) => /\.tsx?$/.test(f));
const users = (pattern: RegExp) => files.filter((f) => pattern.test(readFileSync(new URL(f, root), "utf8"))).sort();

test("only format.ts makes numbers", () => expect(users(/\.toFixed\(|toPrecision\(|toLocaleString\(|Intl\./)).toEqual(["format.ts"]));
test("only ladder.tsx makes ladders and grade words", () => {
  expect(users(/class="ladder|class=\{`ladder|cannot tell|none found/)).toEqual(["parts/ladder.tsx"]);
});
test("only value.tsx says not assessable or absent of a measurement", () => expect(users(/>\s*not assessable|"absent"|`absent/)).toEqual(["parts/value.tsx", "state/edits.ts", "wire/messages.ts"]));
test("only trace.ts makes canvases and loops", () => {
  expect(users(/new uPlot|createElement\("canvas"\)|<canvas|getContext\(/)).toEqual(["trace/trace.ts"]);
  expect(users(/requestAnimationFrame\(/)).toEqual(["trace/trace.ts"]);
});
test("no markup strings: the service forbids inline style and script", () => expect(users(/innerHTML|dangerouslySetInnerHTML|insertAdjacentHTML|setAttribute\("style"/)).toEqual([]));
test("nothing on the page says diagnosis but the line that it is none", () => {
  expect(users(/diagnos/i)).toEqual(["parts/eventline.tsx"]);
});
test("a file is small enough to be read", () => {
  for (const f of files) expect(readFileSync(new URL(f, root), "utf8").split("\n").length, f).toBeLessThanOrEqual(400);
});
