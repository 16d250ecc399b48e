// What the patient page works out of the simulator's answers: leads, errors in force, the muscle shown, names.
import { expect, test } from "vitest";
import { lineName } from "../src/patient/beside";
import { acting, inForce, leadGroups, stillThere, type Choices, type SimulatedMuscle, type Tip } from "../src/patient/simulator";

const muscle = (key: string, channel: number | null): SimulatedMuscle => ({ muscle: key, name: key, side: "left", nerve: "ulnar", channel, units: 100 });
const tip = (of: string, inserted: boolean): Tip => ({ muscle: of, electrode: "concentric", inserted, depth_mm: null, side_mm: null, along_mm: null });
const all = { muscles: ["left FDI"], sensory: ["left sural SNAP"] } as Choices;

test("the chosen muscle stays as long as it is there, else the first under an electrode is shown", () => {
  const told = [muscle("left AH", null), muscle("left FDI", 2), muscle("left APB", 1)];
  expect(stillThere("left APB", told)).toBe("left APB");
  expect(stillThere("right TA", told)).toBe("left FDI");
  expect(stillThere(null, [muscle("left AH", null)])).toBe("left AH");
  expect(stillThere("left APB", [])).toBe(null);
});

test("a lead can go on muscles, sensory points and the needles that are in", () => {
  const groups = leadGroups(all, [tip("left FDI", true), tip("left BB", false)], "left FDI");
  expect(groups).toEqual([["Muscle", ["left FDI"]], ["Sensory", ["left sural SNAP"]], ["Needle", ["needle left FDI"]]]);
});

test("what lies under a channel is never missing from its list", () => {
  expect(leadGroups(all, [], "force left FDI").at(-1)).toEqual(["Other", ["force left FDI"]]);
  expect(leadGroups(all, [], null).map(([name]) => name)).toEqual(["Muscle", "Sensory"]);
});

test("errors in force are told by channel where channels differ, and none that is 0", () => {
  expect(inForce({ gel_bridge: [0, 0.9, 0], stimulator_swapped: 1 })).toEqual([
    { name: "gel_bridge", channel: 2, value: 0.9 }, { name: "stimulator_swapped", channel: null, value: 1 },
  ]);
});

test("a part of the dial that is not known yet is null, not 0", () => {
  expect(acting(null, "drive")).toBe(null);
  expect(acting({ muscle: "left FDI", lines: [], acting: { drive: 0.4, muscle: "left FDI" } }, "drive")).toBe(0.4);
  expect(acting({ muscle: "left FDI", lines: [], acting: { muscle: "left FDI" } }, "muscle")).toBe(null);
});

test("a quantity without a name of ours keeps the service's", () => {
  expect(lineName("amplitude_mv")).toBe("CMAP amplitude");
  expect(lineName("new_thing_ms")).toBe("new thing ms");
});
