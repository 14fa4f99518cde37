// The stage: colours, sizes, and what stands still while a run is shown.

import { blank } from "./fold.js";
import { seat } from "./layout.js";

export const TAU = 2 * Math.PI, FONT = "system-ui, -apple-system, 'Segoe UI', Roboto, 'DejaVu Sans', sans-serif";
export const STRIP = 50, LEDGER = 44, LEGEND = 17;
export const STYLES = 9, ST_WAIT = 0, ST_HERE = 1, ST_MOVE = 2, ST_DEAD = 3, ST_LATE = 4, ST_WORD = 5, ST_HOLE = 6;   // a hole: open, known, filled
export const font = (size, weight = 400) => `${weight} ${size}px ${FONT}`;
export const count = (x) => x.toLocaleString("en-US");

/** The colours of the host's theme, read once: asking the stylesheet in every frame would cost more than drawing. */
export function paletteOf(root) {
  const css = getComputedStyle(root), get = (name) => css.getPropertyValue(`--dp-${name}`).trim();
  const names = ["bg", "stage", "fg", "soft", "line", "box", "edge", "band", "waiting", "waiting-fill", "waiting-ink", "moving",
    "moving-ink", "done", "done-ink", "again", "again-ink", "lost", "lost-ink", "late", "law", "useful", "unused", "skipped"];
  return Object.fromEntries(names.map((name) => [name, get(name)]));
}

/** What is drawn of one lane: its canvas, its state, and where each copy stood in the last frame. */
export function sceneOf(lane, canvas) {
  return { lane, canvas, g: canvas.getContext("2d"), s: blank(lane), px: new Float32Array(lane.entities), py: new Float32Array(lane.entities),
    ox: new Float32Array(lane.entities), oy: new Float32Array(lane.entities), tx: new Float32Array(lane.entities), ty: new Float32Array(lane.entities),
    stamp: new Int32Array(lane.entities), sizes: sizesOf(lane), lag: new Map(), frame: 1, now: 0, leases: [], styles: Array.from({ length: STYLES }, () => []), rings: [], named: [], short: [] };
}

/** How large each copy is drawn, by its bytes: three steps, and one only where all are about alike. */
export function sizesOf(lane) {
  const steps = [0.62, 0.8, 1];
  let low = Infinity, high = 0;
  for (const x of lane.size) if (x > 0) { low = Math.min(low, x); high = Math.max(high, x); }
  const of = (x) => (x > 0 && high >= 2 * low ? steps[Math.min(2, Math.floor((3 * Math.log(x / low)) / Math.log(high / low)))] : 1);
  return Float32Array.from({ length: lane.entities }, (_, e) => of(lane.size[e]));
}

/** What does not change while a run plays: links, boxes, titles, frames of groups. */
export function drawStage(view, g, lane) {
  const { lay, palette: c } = view;
  g.lineCap = g.lineJoin = "round";
  const there = (box) => isThere(lane, box);
  drawFrames(view, g, there);
  const many = lay.links.length > 24;
  for (const l of lay.links.filter((link) => there(lay.boxes[link.a]) && there(lay.boxes[link.b]))) {
    g.globalAlpha = many ? 0.45 : 1; g.strokeStyle = g.fillStyle = c.line; g.lineWidth = 1.5; g.setLineDash(lay.boxes[l.a].col >= lay.boxes[l.b].col ? [3, 4] : []);
    g.beginPath(); g.moveTo(l.x0, l.y0); g.quadraticCurveTo(l.cx, l.cy, l.x1, l.y1); g.stroke(); g.setLineDash([]);
    const a = Math.atan2(l.y1 - l.cy, l.x1 - l.cx);
    g.beginPath(); g.moveTo(l.x1, l.y1);
    g.lineTo(l.x1 - 7 * Math.cos(a - 0.42), l.y1 - 7 * Math.sin(a - 0.42)); g.lineTo(l.x1 - 7 * Math.cos(a + 0.42), l.y1 - 7 * Math.sin(a + 0.42));
    if (!many) g.fill();
  }
  g.globalAlpha = 1;
  for (const box of lay.boxes.filter(there)) {
    g.fillStyle = c.box; g.strokeStyle = c.edge; g.lineWidth = box.kind === "machine" ? 1.5 : 1.25;
    g.beginPath(); g.roundRect(box.x, box.y, box.w, box.h, box.kind === "machine" ? 10 : 6); g.fill(); g.stroke();
    if (box.kind === "group") for (const d of [3, 6]) {
      g.globalAlpha = 0.5; g.beginPath(); g.roundRect(box.x + d, box.y - d, box.w, box.h, 8); g.stroke(); g.globalAlpha = 1;
      g.fillStyle = c.box; g.beginPath(); g.roundRect(box.x, box.y, box.w, box.h, 8); g.fill(); g.stroke();
    }
    drawRoom(view, g, box, lane);
    g.textAlign = "left"; g.textBaseline = "alphabetic"; g.font = font(12.5, 600); g.fillStyle = c.fg;
    box.title = fit(g, box.label, box.room);
    g.fillText(box.title, box.x, box.y - 7 - (box.kind === "group" ? 5 : 0));
    box.titleWidth = g.measureText(box.title).width;
  }
}

/** Whether a lane has a box: a place that only another run has keeps its spot, and is not drawn. */
export const isThere = (lane, box) => box.places.some((p) => lane.used[p]);

/** How many a box may hold in this lane, 0 if that is not known. */
export const roomOf = (box, lane) => (box.kind === "tray" && box.places.length === 1 ? lane.room?.[box.places[0]] ?? 0 : 0);

/** The free places of a bounded buffer, and a wall where it ends: lanes share one scale, so its box may be far larger. */
function drawRoom(view, g, box, lane) {
  const c = view.palette, room = roomOf(box, lane), at = [0, 0];
  if (!room || room > box.peak) return;
  let wall;
  if (box.level) wall = box.y + box.h - 1.5 - (box.h - 3) * (room / box.peak);
  else {
    const r = Math.min(box.cell * 0.42, 13) - 0.5;
    g.strokeStyle = c.edge; g.globalAlpha = 0.45; g.lineWidth = 0.8; g.beginPath();
    for (let k = 0; k < room; k++) { seat(box, k, at); g.moveTo(at[0] + r, at[1]); g.arc(at[0], at[1], r, 0, TAU); }
    g.stroke(); g.globalAlpha = 1; wall = at[1] - box.cell / 2 - 1;
  }
  if (wall < box.y + 5) return;                                         // the box itself ends there
  g.save(); g.beginPath(); g.roundRect(box.x, box.y, box.w, box.h, 6); g.clip();
  g.fillStyle = c.line; g.globalAlpha = 0.35; g.fillRect(box.x, box.y, box.w, wall - box.y); g.globalAlpha = 1;
  g.strokeStyle = c.fg; g.lineWidth = 2; g.beginPath(); g.moveTo(box.x, wall); g.lineTo(box.x + box.w, wall); g.stroke();
  g.restore();
}

/** A frame with a name round the boxes of one part. */
function drawFrames(view, g, there) {
  const { lay, palette: c } = view;
  const holds = (frame) => lay.boxes.some((box) => there(box) && box.x >= frame.x && box.x < frame.x + frame.w && box.y >= frame.y && box.y < frame.y + frame.h);
  for (const { label, x, y, w, h } of lay.frames.filter(holds)) {
    g.strokeStyle = c.line; g.fillStyle = c.bg; g.lineWidth = 1.25; g.beginPath(); g.roundRect(x, y, w, h, 12); g.fill(); g.stroke();
    g.textAlign = "left"; g.textBaseline = "alphabetic"; g.font = font(11.5, 600); g.fillStyle = c.soft; g.fillText(fit(g, label, w - 16), x + 9, y + 15);
  }
}

export function fit(g, text, width) {
  if (g.measureText(text).width <= width) return text;
  let n = text.length;
  while (n > 1 && g.measureText(text.slice(0, n) + "…").width > width) n--;
  return text.slice(0, n) + "…";
}
