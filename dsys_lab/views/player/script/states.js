// Over a box: its numbers, and the state that it is in.

import { field } from "./rows.js";
import { clamp, value } from "./words.js";
import { ROWS } from "./fold.js";
import { parentOf } from "./layout.js";
import { TAU, count, fit, font, roomOf } from "./stage.js";
import { cross, hop, tick } from "./marks.js";

/** Over a box: its numbers, the state that it is in, the frame of the selected one. */
export function drawOver(view, scene, box) {
  const { g, s, lane } = scene, c = view.palette, bits = bitsOf(view, scene, box), sum = (a) => box.places.reduce((x, p) => x + a[p], 0);
  const n = sum(s.count) - (box.kind === "tray" ? sum(s.here) : 0), hangs = bits && !badgeIsInside(box) && !view.model.states.some((one) => one.look === "veil" && bits & one.bit), foot = box.y + box.h + (hangs ? 22 : 13);
  g.font = font(11.5, 600); g.textAlign = "right"; g.textBaseline = "alphabetic";
  if (n && box.kind === "tray") {
    const room = roomOf(box, lane), wide = (text) => box.titleWidth + g.measureText(text).width + 8;
    const text = howMany(box, n, room, wide);
    g.fillStyle = c["waiting-ink"]; if (text) g.fillText(text, box.x + Math.max(wide(text), box.w - 1), box.y - 7);
  }
  let x = box.x + 1;
  g.textAlign = "left"; g.font = font(11.5);
  for (const [number, ink, mark] of [[sum(s.done), c["done-ink"], 0], [sum(s.skipped), c.soft, 4], [sum(s.lost), c["lost-ink"], 1], [sum(s.refused), c["lost-ink"], 2], [sum(s.unmatched), c.soft, 3]]) {
    if (!number) continue;
    const text = count(number), w = g.measureText(text).width;
    if (x + w + 16 > box.x + box.w + 16) break;
    g.strokeStyle = g.fillStyle = ink; g.lineWidth = 1.8;
    if (mark === 0) tick(g, x + 5, foot - 4, 6);
    else if (mark === 1) cross(g, x + 5, foot - 4, 3.4);
    else if (mark === 4) hop(g, x + 4, foot - 3, 3.2);
    else if (mark === 3) { g.beginPath(); g.moveTo(x + 1, foot - 4); g.lineTo(x + 9, foot - 4); g.stroke(); }
    else { g.beginPath(); g.arc(x + 5, foot - 4, 3.8, 0, TAU); g.moveTo(x + 3.2, foot - 4); g.lineTo(x + 6.8, foot - 4); g.stroke(); }
    g.fillText(text, x + 13, foot); x += w + 22;
  }
  const gone = box.places.length === 1 && lane.goneAt.get(box.places[0]) < s.total[ROWS];
  if ((gone && box.kind !== "tape") || (box.places.length === 1 && lane.bornAt.get(box.places[0]) >= s.total[ROWS])) {   // not yet there, or divided into others
    g.save(); g.fillStyle = c.stage; g.globalAlpha = 0.75; g.fillRect(box.x - 2, box.y - 18, Math.max(box.w, box.titleWidth) + 4, box.h + 20); g.globalAlpha = 1;
    g.strokeStyle = c.edge; g.lineWidth = 1.2; g.setLineDash([4, 4]); g.beginPath(); g.roundRect(box.x, box.y, box.w, box.h, 10); g.stroke(); g.restore();
    if (gone) { g.font = font(11, 600); g.textAlign = "center"; g.fillStyle = c.soft; g.fillText("divided", box.x + box.w / 2, box.y + box.h / 2 + 4); }
  }
  if (box.id === view.selected) { g.strokeStyle = c.fg; g.lineWidth = 2; g.setLineDash([5, 3]); g.beginPath(); g.roundRect(box.x - 2.5, box.y - 2.5, box.w + 5, box.h + 5, 10); g.stroke(); g.setLineDash([]); }
  if (bits) drawStates(view, scene, box, bits);
}

/** How many wait, in as many words as there is room for beside the title; "" where boxes stand close and each disc is to be seen. */
export function howMany(box, n, room, wide) {
  const few = box.tight && n <= box.across * box.rows ? "" : count(n), fits = (words) => wide(words) <= Math.max(box.w, box.room);
  const full = room && n >= room, said = [full ? `${count(n)} of ${count(room)} · full` : "", room ? `${count(n)} of ${count(room)}` : "", full ? "full" : "", count(n)];
  return said.find((words) => words && fits(words)) ?? few;
}

/** All the states that a box is in: one that covers it says the others too. */
function drawStates(view, scene, box, bits) {
  const { g } = scene, c = view.palette, now = view.model.states.filter((one) => bits & one.bit), told = stateWords(view, scene, box, now);
  if (now.some((one) => one.look === "hatch")) { g.save(); g.beginPath(); g.roundRect(box.x, box.y, box.w, box.h, 10); g.clip(); hatch(g, box, c.soft, 0.35); g.restore(); }
  if (!now.some((one) => one.look === "veil")) return badge(view, g, box, told.join(" · "), now.some((one) => one.fault) ? c.band : c.soft, now.some((one) => one.fault) ? "#fff" : c.bg);
  g.fillStyle = c.band; g.globalAlpha = box.places.length > 1 ? 0.35 : 0.78; g.beginPath(); g.roundRect(box.x, box.y, box.w, box.h, 10); g.fill(); g.globalAlpha = 1;
  const size = Math.min(12.5, (box.h - 6) / told.length);
  g.fillStyle = "#fff"; g.textAlign = "center";
  told.forEach((words, i) => {
    g.font = font(size, i ? 500 : 700);
    g.fillText(fit(g, words, box.w - 6), box.x + box.w / 2, box.y + box.h / 2 + size * 0.36 + (i - (told.length - 1) / 2) * (size + 2));
  });
}

/** Each state of a box in words; of a group, how many of its places are in it. */
export function stateWords(view, scene, box, now) {
  const { lane, s } = scene, n = view.model.states;
  return now.map((one) => {
    const in_it = box.places.filter((p) => within(view, p).some((q) => s.bits[q] & one.bit));
    if (box.places.length > 1) return `${in_it.length} ${one.words.replace(/ ?[^\w ]?\{\w+\}/g, "")}`;
    const row = within(view, box.places[0]).map((q) => (s.bits[q] & one.bit ? s.since[n.indexOf(one)][q] : 0)).find(Boolean) - 1;
    const names = [...one.words.matchAll(/\{(\w+)\}/g)].map((found) => found[1]);
    if (one.zero && names.some((name) => field(lane, row, name) === 0)) return one.zero;
    return one.words.replace(/\{(\w+)\}/g, (_, name) => value(name, field(lane, row, name)));
  });
}

function hatch(g, box, colour, alpha) {
  g.strokeStyle = colour; g.globalAlpha = alpha; g.lineWidth = 1.5; g.beginPath();
  for (let x = box.x - box.h; x < box.x + box.w; x += 8) { g.moveTo(x, box.y + box.h); g.lineTo(x + box.h, box.y); }
  g.stroke(); g.globalAlpha = 1;
}

/** A machine shows its state within, so that its numbers stay above the name of the box below; what has discs at its foot, on the edge. */
const badgeIsInside = (box) => box.kind === "machine" && box.h >= 40;

function badge(view, g, box, text, fill, ink) {
  g.font = font(11, 700); g.textAlign = "center";
  const w = g.measureText(text).width + 14, x = clamp(box.x + box.w / 2, w / 2 + 2, view.lay.width - w / 2 - 2), y = box.y + box.h - (badgeIsInside(box) ? 11 : 1);
  g.fillStyle = fill; g.beginPath(); g.roundRect(x - w / 2, y - 9, w, 18, 9); g.fill(); g.fillStyle = ink; g.fillText(text, x, y + 4);
}

/** A place and what it is part of: a machine that is slow slows all that runs on it. */
function within(view, p) {
  const ids = [];
  for (let name = view.model.places[p]; name; name = parentOf(name)) if (view.model.placeIds.has(name)) ids.push(view.model.placeIds.get(name));
  return ids;
}
export const bitsOf = (view, scene, box) => box.places.reduce((bits, p) => within(view, p).reduce((sum, q) => sum | scene.s.bits[q], bits), 0);
