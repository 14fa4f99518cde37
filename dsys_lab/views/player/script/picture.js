// A picture in words, and what lies under the pointer.

import { ACCOUNTS, field } from "./rows.js";
import { plural, value } from "./words.js";
import { balance, copiesAt, holeOf } from "./fold.js";
import { count, isThere, roomOf } from "./stage.js";
import { ghostsAt } from "./inside.js";
import { bitsOf, stateWords } from "./states.js";

/** The copy drawn at (x, y), or -1. */
export function discAt(view, scene, x, y) {
  let best = -1, least = 14 * 14;
  for (let e = 0; e < scene.lane.entities; e++) {
    if (scene.stamp[e] !== scene.frame) continue;
    const d = (scene.px[e] - x) ** 2 + (scene.py[e] - y) ** 2;
    if (d < least) { least = d; best = e; }
  }
  return best >= 0 && least <= Math.max(6, view.lay.discs + 4) ** 2 ? best : -1;
}

/** A box in words. */
export function boxWords(view, scene, box) {
  const { s, lane } = scene, sum = (a) => box.places.reduce((x, p) => x + a[p], 0), n = sum(s.count), bits = bitsOf(view, scene, box);
  const said = stateWords(view, scene, box, view.model.states.filter((one) => bits & one.bit)), ghosts = ghostsAt(scene, box);
  if (ghosts.length) said.push(`still at work on ${ghosts.map((one) => lane.messages[lane.copyMessage[one.copy]]).join(", ")}, whose loan is over`);
  for (const [i, slot] of lane.slots.entries()) if (slot.type === "gauge" && s.slot[i] && box.places.includes(slot.place)) {
    const at = s.slot[i] - 1;
    said.push(`${field(lane, at, "name")} ${value("", field(lane, at, "value"))} of ${value("", field(lane, at, "full"))}`);
  }
  const room = roomOf(box, lane);
  const holes = [0, 0, 0, 0];
  if (box.kind === "tray") for (const p of box.places) for (const e of copiesAt(s, p)) holes[holeOf(s, e)]++;
  ["", "missing and nobody knows", "known to be missing", "missing once and there again"].forEach((words, h) => { if (h && holes[h]) said.push(`${count(holes[h])} ${words}`); });
  if (n && holes[0] === 0 && holes.some(Boolean)) return said.join(", ");
  if (n) said.push(`${plural(n, "message")} ${box.kind === "tray" ? "waiting" : "here"}${room ? ` of at most ${count(room)}${n >= room ? ": full" : ""}` : ""}`);
  if (n && n <= 3) said.push([...box.places.flatMap((p) => [...copiesAt(s, p)])].map((e) => lane.messages[lane.copyMessage[e]]).join(", "));
  if (sum(s.done)) said.push(`${count(sum(s.done))} done`);
  if (sum(s.skipped)) said.push(`${count(sum(s.skipped))} skipped`);
  if (sum(s.lost)) said.push(`${count(sum(s.lost))} lost`);
  if (sum(s.refused)) said.push(`${count(sum(s.refused))} refused`);
  if (sum(s.unmatched)) said.push(`${count(sum(s.unmatched))} unmatched`);
  return said.join(", ") || "empty";
}

/** A whole picture in words. */
export function describeState(view, scene) {
  const b = balance(scene.s), road = scene.s.count[scene.s.road];
  return `${view.lay.boxes.filter((box) => isThere(scene.lane, box)).map((box) => `${box.id} ${boxWords(view, scene, box)}.`).join(" ")}${road ? ` ${plural(road, "message")} on the way.` : ""} `
    + `Offered ${b.offered} = ${ACCOUNTS.filter((name) => name !== "unmatched" || b[name]).map((name) => `${name} ${b[name]}`).join(" + ")}.`;
}
