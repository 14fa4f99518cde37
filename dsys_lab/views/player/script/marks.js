// Word of what becomes of messages: trails, sparks, ticks and crosses, tags.

import { BOUNCE, BURST, FADE, MARK, MOVE, PUT, SAY, SPLIT, TAKE } from "./rows.js";
import { clamp } from "./words.js";
import { ROWS, WAITING } from "./fold.js";
import { TAU, font } from "./stage.js";

/** Where the followed message has been, and a halo where it is. */
export function drawTrail(view, scene) {
  const { g, s, lane } = scene, { lay, palette: c } = view, m = lane.messages.indexOf(view.follow);
  if (m < 0) return;
  const trails = new Map();                                             // copy -> the boxes in which it has been
  for (const i of view.rowsOf(lane)) {
    if (i >= s.total[ROWS]) break;
    const verb = lane.kinds[lane.kind[i]].v, box = lay.boxes[lay.boxOf[verb === MOVE ? lane.origin[i] : lane.target[i]]];
    if (!box || verb === MARK || verb === SAY) continue;                // word of it is elsewhere than it
    const trail = trails.get(lane.entity[i]) ?? [];
    if (trail.at(-1) !== box) trails.set(lane.entity[i], [...trail, box]);
  }
  g.strokeStyle = c.fg; g.globalAlpha = 0.45; g.lineWidth = 2; g.setLineDash([2, 5]); g.beginPath();
  for (const trail of trails.values()) trail.forEach((box, i) => g[i ? "lineTo" : "moveTo"](box.x + box.w / 2, box.y + box.h / 2));
  g.stroke();
  g.setLineDash([]); g.globalAlpha = 1;
  for (let e = 0; e < lane.entities; e++) {
    if (lane.copyMessage[e] !== m || scene.stamp[e] !== scene.frame) continue;
    g.fillStyle = c.fg; g.globalAlpha = 0.16; g.beginPath(); g.arc(scene.px[e], scene.py[e], lay.discs + 11, 0, TAU); g.fill();
    g.globalAlpha = 1; g.strokeStyle = c.fg; g.lineWidth = 2; g.beginPath(); g.arc(scene.px[e], scene.py[e], lay.discs + 8, 0, TAU); g.stroke();
  }
}

export function tick(g, x, y, r) { g.beginPath(); g.moveTo(x - r * 0.5, y + r * 0.02); g.lineTo(x - r * 0.12, y + r * 0.4); g.lineTo(x + r * 0.52, y - r * 0.38); g.stroke(); }
/** Passed over: a bow with a head. */
export function hop(g, x, y, r) { g.beginPath(); g.arc(x, y, r, Math.PI, 1.9 * Math.PI); g.stroke(); g.beginPath(); g.moveTo(x + r + 2.4, y - 2.6); g.lineTo(x + r - 0.4, y + 1); g.lineTo(x + r - 3.4, y - 2.4); g.stroke(); }
export function cross(g, x, y, r) { g.beginPath(); g.moveTo(x - r, y - r); g.lineTo(x + r, y + r); g.moveTo(x + r, y - r); g.lineTo(x - r, y + r); g.stroke(); }

/** What has just happened: each effect is a function of the time since its row, so scrubbing shows it too. */
export function drawEffects(view, scene, T) {
  const { g, s, lane, W } = scene, { lay, palette: c, effect } = view, tags = new Map();
  g.save(); g.beginPath(); g.rect(0, 0, W, lay.height); g.clip();
  let left = 240;
  for (let i = s.total[ROWS] - 1; i >= 0 && left && T - lane.time[i] < effect; i--) {
    const k = lane.kinds[lane.kind[i]], box = lay.boxes[lay.boxOf[lane.place[i]]], age = (T - lane.time[i]) / effect;
    if (!box) continue;
    const e = lane.entity[i], jitter = (((i * 2654435761) >>> 8) & 255) / 255 - 0.5, stood = lane.stood[i], r = clamp(box.cell * 0.42, 4, view.busy ? 5.5 : 9);
    g.globalAlpha = Math.max(0, 1 - age * age * age);
    if (k.v === TAKE && stood) {                                        // away to the right, with a tick
      const x = box.x + box.w + (box.tight ? -r - 2 : r - 2) + (box.tight ? 10 : 30) * age, y = box.y + box.h * 0.5 + jitter * Math.min(view.busy ? 30 : 12, box.h * 0.7);
      g.fillStyle = c.done; g.beginPath(); g.arc(x, y, r, 0, TAU); g.fill();
      g.strokeStyle = "#fff"; g.lineWidth = Math.max(1.2, r / 4); tick(g, x, y, r); left--;
    } else if (k.v === BURST && (stood || e < 0)) {                     // falls: at the door if it never got in, else from the head
      const inside = stood === WAITING || box.kind !== "tray", wide = inside ? Math.min(40, box.w * 0.3) : 16;
      const head = box.kind === "tape" ? box.x + 8 + wide / 2 : box.x + box.w - 8 - wide / 2;   // a tape loses its oldest end
      const x = (inside ? head : box.x - 13) + jitter * wide;
      const y = (inside ? box.y + box.h - 6 : box.y + box.h * 0.45) + (inside ? 34 : box.h * 0.55 + 30) * age * age + 5 * age;
      g.fillStyle = c.box; g.strokeStyle = c.lost; g.lineWidth = 1.2; g.beginPath(); g.arc(x, y, r, 0, TAU); g.fill(); g.stroke();
      g.lineWidth = r > 5 ? 2.4 : 1.8; cross(g, x, y, r * 0.62); left--;
    } else if (k.v === BOUNCE) {
      const x = Math.max(r + 3, box.x - r - 2 - 34 * age), y = box.y + box.h * 0.42 - 64 * age * (1 - age) + jitter * 10;
      g.strokeStyle = c.lost; g.fillStyle = c.box; g.lineWidth = 1.6; g.beginPath(); g.arc(x, y, r, 0, TAU); g.fill(); g.stroke();
      g.beginPath(); g.moveTo(x - r * 0.5, y); g.lineTo(x + r * 0.5, y); g.stroke();
      g.lineWidth = 3; g.beginPath(); g.moveTo(box.x - 1, box.y + box.h * 0.42 - 9); g.lineTo(box.x - 1, box.y + box.h * 0.42 + 9); g.stroke(); left--;
    } else if (k.v === FADE && stood && k.a) {
      g.strokeStyle = c.soft; g.lineWidth = 1.3; g.setLineDash([2, 2]); g.beginPath(); g.arc(box.x + 8 + jitter * 10, box.y + box.h * 0.42, r * (1 + age), 0, TAU); g.stroke(); g.setLineDash([]); left--;
    } else if (k.v === PUT && e < 0 && box.kind !== "tape") {
      g.strokeStyle = c["moving-ink"]; g.lineWidth = 2 * (1 - age) + 0.5; g.beginPath(); g.roundRect(box.x - 4 * age, box.y - 4 * age, box.w + 8 * age, box.h + 8 * age, 10); g.stroke(); left--;
    }
    if ((k.v === MARK || k.v === SPLIT) && view.rare[lane.kind[i]] && !k.set && !tags.has(box)) tags.set(box, [k.name.replace(/_/g, " "), g.globalAlpha]);
  }
  g.restore();
  return tags;
}

/** The newest rare mark of each place, named: crash, restart, commit. */
export function drawTags(view, g, tags) {
  const c = view.palette;
  g.font = font(10.5, 600); g.textAlign = "center";
  for (const [box, [text, alpha]] of tags) {
    const w = g.measureText(text).width + 12, x = box.x + Math.max(w / 2, box.w - w / 2 - 3), y = box.y + 11;
    g.globalAlpha = alpha; g.fillStyle = c.bg; g.strokeStyle = c.soft; g.lineWidth = 1;
    g.beginPath(); g.roundRect(x - w / 2, y - 8, w, 16, 8); g.fill(); g.stroke(); g.fillStyle = c.fg; g.fillText(text, x, y + 3.5);
  }
  g.globalAlpha = 1;
}
