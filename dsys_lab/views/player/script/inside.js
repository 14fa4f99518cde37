// What stands in a box: discs, an axis of time, tubes of tokens.

import { field } from "./rows.js";
import { clamp } from "./words.js";
import { HERE, ROWS } from "./fold.js";
import { TUBE, seat } from "./layout.js";
import { TAU, count, fit, font } from "./stage.js";
import { put, short, spot } from "./discs.js";
import { drawTape, drawTiles } from "./tiles.js";

/** What stands in a box: discs in a line, a level where there are too many, tiles, a tape. */
export function drawInside(view, scene, box, T, ease) {
  const { g, s, lane } = scene, c = view.palette;
  if (box.kind === "grid") return drawTiles(view, scene, box, T);
  if (box.kind === "tape") return drawTape(view, scene, box, T, ease);
  if (box.kind === "axis") drawAxis(view, scene, box);
  if (box.tubes) drawTubes(view, scene, box);
  const n = box.places.reduce((sum, p) => sum + s.count[p] - (box.kind === "tray" ? s.here[p] : 0), 0), room = box.across * box.rows;
  if (box.level || n > room) {
    const full = clamp(n / Math.max(1, box.peak), 0, 1), h = (box.h - 3) * full;
    if (box.kind !== "group") {
      g.fillStyle = box.kind === "tray" ? c["waiting-fill"] : c.moving; g.strokeStyle = box.kind === "tray" ? c.waiting : c["moving-ink"]; g.lineWidth = 1.25;
      g.beginPath(); g.roundRect(box.x + 1.5, box.y + box.h - 1.5 - h, box.w - 3, h, 4); g.fill();
      if (h > 1) { g.beginPath(); g.moveTo(box.x + 2, box.y + box.h - 1.5 - h); g.lineTo(box.x + box.w - 2, box.y + box.h - 1.5 - h); g.stroke(); }
    }
    g.fillStyle = c.fg; g.textAlign = "center"; g.font = font(box.h > 40 ? 18 : 12, 600);
    if (n || box.kind === "group") g.fillText(count(n), box.x + box.w / 2, box.y + box.h / 2 + 6);
    if (box.kind === "group" && box.h > 44) { g.font = font(11); g.fillStyle = c.soft; g.fillText(`in ${box.places.length} places`, box.x + box.w / 2, box.y + box.h / 2 + 21); }
    return;
  }
  const r = Math.min(box.cell * 0.42, 13), lag = box.kind === "tray" ? lagOf(scene, box, ease) : 0;
  let k = 0, door = 0;
  for (const p of box.places) for (let e = s.head[p]; e; e = s.next[e - 1]) {
    if (box.kind === "tray" && (s.flags[e - 1] & 15) === HERE) {        // come, but not let in: it stands at the door
      spot[0] = box.x - r - 3 - (door % 2) * 3; spot[1] = box.y + box.h * 0.42 + (door ? (door % 2 ? -1 : 1) * Math.min(box.h * 0.45, Math.ceil(door / 2) * r * 1.6) : 0); door++;
    } else between(box, k++ + lag, spot);
    put(view, scene, e - 1, spot[0], spot[1], r, ease);
  }
  ghostsAt(scene, box).forEach((ghost, i) => {                          // its loan is over, and it works on
    const gr = Math.min(10, box.h / 4), x = box.x + box.w - gr - 3 - i * (2 * gr + 2), y = box.y + gr + 3;
    g.setLineDash([2.5, 2.5]); g.strokeStyle = g.fillStyle = c["again-ink"]; g.lineWidth = 1.4; g.beginPath(); g.arc(x, y, gr, 0, TAU); g.stroke(); g.setLineDash([]);
    g.font = font(Math.min(9, gr + 1), 500); g.textAlign = "center"; g.fillText(short(lane.messages[lane.copyMessage[ghost.copy]]), x, y + 3);
  });
}

/** The copies that a place still works on although others have them by now. */
export const ghostsAt = ({ lane, s }, box) => lane.ghosts.filter((one) => one.from < s.total[ROWS] && one.until >= s.total[ROWS] && box.places.includes(one.place));

/** Windows and ranges on one axis, segments one after the other by their size, and the lines that move over them. */
function drawAxis(view, scene, box) {
  const { g, s, lane } = scene, c = view.palette, places = new Set(box.places), get = (slot, name) => field(lane, s.slot[slot] - 1, name);
  const shown = [...lane.slots.keys()].filter((i) => s.slot[i] && places.has(lane.slots[i].place)), op = (i) => String(get(i, "op"));
  const windows = shown.filter((i) => lane.slots[i].type === "window" && op(i) !== "drop"), lines = shown.filter((i) => lane.slots[i].type === "line");
  const bounds = box.places.map((p) => lane.axes.get(p)).filter(Boolean), low = Math.min(...bounds.map((b) => b[0])), high = Math.max(...bounds.map((b) => b[1]));
  const x0 = box.x + 6 + TUBE * box.tubes, w = box.x + box.w - 6 - x0, h = (box.h - 10) * (box.peak ? 0.58 : 1) - (bounds.length ? 11 : 0), y0 = box.y + 5;
  const at = (t) => x0 + (w * (t - low)) / Math.max(1, high - low);
  const sized = windows.filter((i) => lane.slots[i].from === null);
  const want = sized.map((i) => 14 + 70 * Math.sqrt((Number(get(i, "size_bytes")) || 0) / lane.most)), sum = want.reduce((a, b) => a + b, 0), rows = [];
  let x = x0;
  const bars = windows.filter((i) => lane.slots[i].from !== null).sort((a, b) => lane.slots[a].from - lane.slots[b].from || lane.slots[a].end - lane.slots[b].end).map((i) => {
    const { from, end } = lane.slots[i];
    let row = rows.findIndex((until) => until <= from);
    if (row < 0) row = rows.push(0) - 1;
    rows[row] = end;
    return { i, x: at(from), w: Math.max(2, at(end) - at(from)), row };
  }).concat(sized.map((i, n) => { const bar = { i, x, w: want[n] * Math.min(1, w / sum), row: 0 }; x += bar.w; return bar; }));
  const bh = Math.min(26, h / Math.max(1, rows.length)), top = y0 + (h - bh * Math.max(1, rows.length)) / 2;
  g.textAlign = "center"; g.lineWidth = 1.25;
  for (const bar of bars) {
    const y = top + bar.row * bh, value = get(bar.i, "value"), name = `${lane.slots[bar.i].key ?? ""}${value === undefined ? "" : ` ${value}`}`;
    g.fillStyle = op(bar.i) === "close" ? c["waiting-fill"] : c.box; g.strokeStyle = c.waiting; g.setLineDash(op(bar.i) === "close" ? [] : [4, 2]);
    g.beginPath(); g.roundRect(bar.x + 1, y + 1, Math.max(1, bar.w - 2), bh - 2, 4); g.fill(); g.stroke(); g.setLineDash([]);
    if (bar.w > 16 && bh > 11) { g.font = font(10.5, 500); g.fillStyle = c.fg; g.fillText(fit(g, name, bar.w - 6), bar.x + bar.w / 2, y + bh / 2 + 4); }
  }
  if (bounds.length) {
    const unit = box.places.some((p) => lane.slots.some((slot, i) => slot.place === p && s.slot[i] && (slot.type === "line" || get(i, "start_us") !== undefined)));
    const told = (t) => value(unit ? "at_us" : "at", t), foot = y0 + h + 9;
    g.strokeStyle = c.edge; g.lineWidth = 1; g.beginPath(); g.moveTo(x0, y0 + h + 0.5); g.lineTo(x0 + w, y0 + h + 0.5); g.stroke();
    g.font = font(9.5); g.fillStyle = c.soft; g.textAlign = "left"; g.fillText(told(low), x0, foot); g.textAlign = "right"; g.fillText(told(high), x0 + w, foot);
    for (const i of lines) {
      const t = Number(get(i, "at_us")), lx = clamp(at(t), x0, x0 + w);
      g.strokeStyle = c.fg; g.lineWidth = 2; g.beginPath(); g.moveTo(lx, y0 - 3); g.lineTo(lx, y0 + h + 2); g.stroke();
      g.fillStyle = c.fg; g.beginPath(); g.moveTo(lx, y0 + h + 2); g.lineTo(lx - 4, y0 + h + 8); g.lineTo(lx + 4, y0 + h + 8); g.fill();
    }
  }
}

/** A gauge that says when it is full is a level in its place; before its first reading it is not there, for it is not empty. */
function drawTubes(view, scene, box) {
  const { g, s, lane } = scene, c = view.palette;
  let x = box.x + 5;
  lane.slots.forEach((slot, i) => {
    if (slot.type !== "gauge" || !box.places.includes(slot.place)) return;
    const h = box.h - 8, y = box.y + 4, row = s.slot[i] - 1;
    if (row < 0) { x += TUBE; return; }
    const full = clamp(field(lane, row, "value") / field(lane, row, "full"), 0, 1), unit = field(lane, row, "unit");
    if (unit === "s") drawHourglass(g, c, x, y, TUBE - 3, h, full);
    else drawTube(g, c, x, y, TUBE - 4, h, full, unit === "bytes");
    x += TUBE;
  });
}

/** A level: a budget that has run out has a red rim; a glass, which holds bytes, begins empty. */
function drawTube(g, c, x, y, w, h, full, fills) {
  const fine = full || fills;
  g.save(); g.beginPath(); g.roundRect(x, y, w, h, 4); g.clip();
  g.fillStyle = c.stage; g.fillRect(x, y, w, h); g.fillStyle = c.moving; g.fillRect(x, y + h * (1 - full), w, h * full); g.restore();
  g.strokeStyle = fine ? c["moving-ink"] : c.lost; g.lineWidth = fine ? 1.2 : 2; g.beginPath(); g.roundRect(x, y, w, h, 4); g.stroke();
}

/** Seconds that are left: the sand above is what is left, that below has run through. */
function drawHourglass(g, c, x, y, w, h, left) {
  const half = h / 2, bulbs = () => { g.beginPath(); g.moveTo(x, y); g.lineTo(x + w, y); g.lineTo(x, y + h); g.lineTo(x + w, y + h); g.closePath(); };
  g.save(); bulbs(); g.clip();
  g.fillStyle = c.stage; g.fillRect(x, y, w, h); g.fillStyle = c.again;
  g.fillRect(x, y + half * (1 - left), w, half * left); g.fillRect(x, y + h - half * (1 - left), w, half * (1 - left));
  g.restore(); g.strokeStyle = c["again-ink"] ?? c.again; g.lineWidth = 1.2; bulbs(); g.stroke();
}

/** While a run plays, a line moves up smoothly when its first has gone: how many seats it still lags behind. */
function lagOf(scene, box, ease) {
  const p = box.places[0], served = scene.s.served[p], old = scene.lag.get(p);
  const lag = ease < 1 && old ? Math.min(1.2, Math.max(0, old.lag + served - old.served)) * (1 - ease) : 0;
  scene.lag.set(p, { served, lag });
  return lag;
}

/** A spot between two seats. */
function between(box, k, out) {
  const low = Math.floor(k), f = k - low;
  seat(box, low, out);
  if (!f) return out;
  const [x, y] = out;
  seat(box, low + 1, out);
  out[0] = x + (out[0] - x) * f; out[1] = y + (out[1] - y) * f;
  return out;
}
