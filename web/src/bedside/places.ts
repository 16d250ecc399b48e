// Where electrodes lie, on three schematic figures: places in the figure's own units (240 × 110), for orientation only.
// The arm is seen from the palm, the left one with its thumb up; the right one is its mirror image.
import type { Step } from "../wire/table";

export type Figure = "arm" | "leg" | "head";
export type Point = readonly [number, number];
export interface Placement { figure: Figure; mirrored: boolean; e1: Point; e2: Point; ground: Point | null; cathode: Point; anode: Point }

interface Recorded { figure: Figure; e1: Point; e2: Point }
const at = (figure: Figure, e1: Point, e2: Point): Recorded => ({ figure, e1, e2 });
const RECORDED: Record<string, Recorded> = {
  APB: at("arm", [172, 40], [192, 24]), ADM: at("arm", [174, 72], [200, 78]), FDI: at("arm", [182, 42], [190, 28]), L2: at("arm", [186, 54], [212, 48]),
  INT: at("arm", [186, 54], [212, 48]), EDC: at("arm", [104, 40], [152, 68]), BB: at("arm", [48, 42], [72, 50]), TB: at("arm", [44, 68], [70, 68]),
  FCR: at("arm", [100, 46], [148, 44]), FDS: at("arm", [118, 56], [150, 56]), PT: at("arm", [88, 46], [116, 36]), deltoid: at("arm", [24, 34], [40, 38]),
  "median D1": at("arm", [190, 24], [200, 18]), "radial D1": at("arm", [190, 24], [200, 18]), "median D2": at("arm", [212, 48], [226, 47]),
  "median D4": at("arm", [212, 66], [226, 67]), "ulnar D4": at("arm", [212, 66], [226, 67]), "ulnar D5": at("arm", [206, 77], [218, 80]),
  "median wrist": at("arm", [150, 54], [136, 54]), "ulnar wrist": at("arm", [150, 64], [136, 64]), radial: at("arm", [160, 38], [172, 32]),
  EDB: at("leg", [208, 82], [228, 92]), AH: at("leg", [206, 90], [230, 94]), TA: at("leg", [126, 40], [156, 44]), SOL: at("leg", [146, 66], [184, 70]),
  VL: at("leg", [60, 36], [96, 36]), sural: at("leg", [194, 74], [204, 82]), "superficial fibular": at("leg", [190, 48], [204, 64]),
  nasalis: at("head", [128, 44], [118, 44]), trapezius: at("head", [74, 88], [52, 92]), diaphragm: at("head", [120, 104], [88, 106]),
};
/** Along the arm, how far from palm to shoulder; across it, by nerve. */
const ALONG: Record<Figure, Record<string, number>> = {
  arm: { palm: 182, wrist: 150, forearm: 128, below_elbow: 92, elbow: 76, axilla: 30, erb: 8 },
  leg: { groin: 14, knee: 100, below_fibular_head: 114, calf: 156, leg: 158, ankle: 188, lateral_malleolus: 194 },
  head: { mastoid: 98, neck: 96 },
};
const ACROSS: Record<string, number> = {
  median: 54, ulnar: 66, radial: 40, musculocutaneous: 46, axillary: 46, fibular: 46, superficial_fibular: 46, tibial: 66, sural: 66, femoral: 36,
  facial: 56, accessory: 76, phrenic: 78,
};
const GROUND: Record<string, Point> = { "back of the hand": [164, 56], "back of the foot": [206, 72], "over the forehead": [124, 18], "over the acromion": [10, 30] };
/** The anode lies this far from the cathode: proximal, but distal where the cathode must be proximal (F, H). */
const GAP = 14;

/** Null where the figures have no place for it: the words are then all there is. */
export function placementOf(step: Step): Placement | null {
  const recorded = RECORDED[step.muscle.replace(`${step.side} `, "")];
  const along = recorded ? ALONG[recorded.figure][step.site] : undefined;
  const across = ACROSS[step.nerve];
  if (!recorded || along === undefined || across === undefined) return null;
  const { figure, e1, e2 } = recorded;
  const words = step.montage?.ground ?? "";
  const between: Point = [(along + e1[0]) / 2, (across + e1[1]) / 2 + 12];
  const ground = words.startsWith("between") ? between : (GROUND[words] ?? null);
  const turned = step.measure === "f_wave" || step.measure === "h_reflex";
  const away = figure === "head" ? 0 : turned ? GAP : -GAP;
  const anode: Point = [along + away, figure === "head" ? across + GAP : across];
  return { figure, mirrored: step.side === "right", e1, e2, ground, cathode: [along, across], anode };
}
