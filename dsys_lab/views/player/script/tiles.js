// Places that hold things in order: the pages of files as tiles, a log as a tape.

import { SKIP, field } from "./rows.js";
import { clamp, trim } from "./words.js";
import { natural } from "./layout.js";
import { fit, font } from "./stage.js";
import { put } from "./discs.js";

/** The pages of files: of what was read, the part that was asked for is green and the rest hatched; passed over, grey. */
export function drawTiles(view, scene, box, T) {
  const { g, s, lane } = scene, c = view.palette, m = mosaic(lane, box), total = { read: 0, used: 0, known: 0 };
  g.textAlign = "right"; g.textBaseline = "middle"; g.font = font(clamp(m.size * 0.95, 8.5, 11)); g.fillStyle = c.soft;
  for (const label of m.labels) g.fillText(fit(g, label.text, m.side - 10), box.x + m.side - 5, box.y + label.y);
  g.textBaseline = "alphabetic";
  const d = m.size - (m.size > 6 ? 2 : 1), hatched = new Path2D();
  m.slots.forEach((slot, i) => {
    const x = box.x + m.x[i], y = box.y + m.y[i], at = s.slot[slot] - 1;
    if (at < 0) { g.strokeStyle = c.line; g.lineWidth = 1; g.strokeRect(x + 0.5, y + 0.5, d - 1, d - 1); return; }
    const kind = lane.kinds[lane.kind[at]], size = field(lane, at, "size_bytes"), used = field(lane, at, "used_bytes");
    const fresh = clamp(1 - (T - lane.time[at]) / view.effect / 3, 0, 1);
    if (kind.v === SKIP) {
      g.fillStyle = c.skipped; g.fillRect(x, y, d, d);
      if (m.size > 6) { g.strokeStyle = c.fg; g.lineWidth = 1; g.beginPath(); g.moveTo(x + 2, y + d - 2); g.lineTo(x + d - 2, y + 2); g.stroke(); }
    } else if (used === undefined) {                                    // written; or read by one who tells no more than that
      g.fillStyle = kind.role === "useful" ? c.unused : c[kind.role]; g.fillRect(x, y, d, d);
      if (kind.role === "useful") total.read += size;
    } else {
      const share = clamp(used / Math.max(1, size), 0, 1), green = used ? Math.max(Math.min(1.5, d), share * d) : 0;
      total.read += size; total.used += used; total.known += size;
      g.fillStyle = c.unused; g.fillRect(x + green, y, d - green, d);
      g.fillStyle = c.useful; g.fillRect(x, y, green, d);
      if (d - green > 4 && d > 4) for (let o = 3; o < d - green + d; o += 4) {
        const from = Math.max(0, o - d), to = Math.min(o, d - green);
        hatched.moveTo(x + green + from, y + o - from); hatched.lineTo(x + green + to, y + o - to);
      }
    }
    if (fresh > 0.6 && kind.v !== SKIP && m.size > 7) { g.strokeStyle = c.fg; g.lineWidth = 1.5; g.strokeRect(x, y, d, d); }
  });
  g.strokeStyle = c.fg; g.globalAlpha = 0.3; g.lineWidth = 0.8; g.stroke(hatched); g.globalAlpha = 1;
  if (!total.read || box.places.some((p) => s.done[p] || s.lost[p])) return;   // what became of messages stands there
  g.textAlign = "left"; g.font = font(11.5); g.fillStyle = c.fg;
  const asked = total.known ? percent(total.used / total.known) : "", read = bytes(total.read);
  const words = [asked ? `${read} read, ${asked} of it asked for` : `${read} read`, asked ? `${read}, ${asked} asked for` : read, read];
  g.fillText(words.find((text) => g.measureText(text).width <= box.room) ?? "", box.x + 1, box.y + box.h + 13);
}

const percent = (share) => `${trim(100 * share, share < 0.1 ? 2 : 3)}%`;
const bytes = (n) => (n < 1024 ? `${n} B` : n < 1024 ** 2 ? `${trim(n / 1024, 3)} KiB` : `${trim(n / 1024 ** 2, 3)} MiB`);

/** Where each page of a grid stands: files one below the other, each from a new line on, their names at the left. */
export function mosaic(lane, box) {
  const key = `${box.id} ${box.w} ${box.h}`;
  if (lane.mosaics?.has(key)) return lane.mosaics.get(key);
  const files = new Map(), tiles = lane.tiles ??= tilesOf(lane);
  for (const slot of box.places.flatMap((p) => tiles.get(p) ?? [])) {
    const { file } = lane.slots[slot];
    if (!files.has(file)) files.set(file, []);
    files.get(file).push(slot);
  }
  const names = [...files.keys()], longest = Math.max(0, ...names.map((name) => fileLabel(name, lane.places[box.places[0]]).length));
  const side = names.length > 1 ? Math.min(0.55 * box.w, 14 + 6.6 * longest) : 5;
  const m = { side, slots: [], x: [], y: [], labels: [], size: 3 };
  const across = (size) => Math.max(1, Math.floor((box.w - side - 5) / size));
  const high = (size) => [...files.values()].reduce((sum, list) => sum + Math.ceil(list.length / across(size)) * size, 0);
  for (let size = 22; size >= 3; size -= 0.5) if (high(size) <= box.h - 8) { m.size = size; break; }
  let y = 4;
  for (const [file, list] of files) {
    if (names.length > 1) m.labels.push({ text: fileLabel(file, lane.places[box.places[0]]), y: y + m.size / 2 });
    list.forEach((slot, i) => {
      const row = y + Math.floor(i / across(m.size)) * m.size;
      if (row + m.size > box.h) return;
      m.slots.push(slot); m.x.push(side + (i % across(m.size)) * m.size); m.y.push(row);
    });
    y += Math.ceil(list.length / across(m.size)) * m.size;
  }
  (lane.mosaics ??= new Map()).set(key, m);
  return m;
}

/** A file's name without what is the same for all: the table before it, its number in order, its generation. */
export const fileLabel = (file, place) => {
  const table = `${String(place).split("/")[0]}.`, name = String(file);
  return (name.startsWith(table) ? name.slice(table.length) : name).replace(/^\d+-|\.\d+$/g, "");
};

function tilesOf(lane) {
  const tiles = new Map();
  lane.slots.forEach((slot, i) => {
    if (slot.type !== "tile") return;
    if (!tiles.has(slot.place)) tiles.set(slot.place, []);
    tiles.get(slot.place).push(i);
  });
  const key = (i) => `${lane.slots[i].file} ${lane.slots[i].page}`;
  for (const list of tiles.values()) list.sort((a, b) => natural(key(a), key(b)));
  return tiles;
}

/** A ruled tape that only grows: offsets tick below it, one caret for each reader stands under its position. */
export function drawTape(view, scene, box, T, ease) {
  const { g, s, lane } = scene, c = view.palette, p = box.places[0], end = s.tape[p];
  const cell = clamp(box.w / 16, 16, 26), shown = Math.max(1, Math.floor((box.w - 10) / cell)), first = Math.max(0, end - shown);
  const x0 = box.x + 5, y = box.y + 6, h = Math.min(24, box.h - 24);
  g.textAlign = "center"; g.font = font(9.5); g.lineWidth = 1;
  for (let o = first; o < first + shown; o++) {
    const x = x0 + (o - first) * cell;
    g.strokeStyle = o < end ? c.edge : c.line; g.fillStyle = c["waiting-fill"];
    g.beginPath(); g.roundRect(x + 1, y, cell - 2, h, 3); if (o < end) g.fill(); g.stroke();
    if (o < end && (o % 5 === 0 || cell > 24)) { g.fillStyle = c.soft; g.fillText(String(o), x + cell / 2, y + h + 11); }
  }
  for (let e = s.head[p]; e; e = s.next[e - 1]) {
    const o = lane.record[e - 1];
    if (o >= first) put(view, scene, e - 1, x0 + (o - first + 0.5) * cell, y + h / 2, Math.min(9, cell * 0.4), ease);
  }
  lane.slots.forEach((slot, i) => {
    if (slot.type !== "caret" || slot.place !== p || !s.slot[i]) return;
    const o = Number(field(lane, s.slot[i] - 1, "offset")), x = x0 + clamp(o + 1 - first, 0, shown) * cell;
    g.fillStyle = c.fg; g.beginPath(); g.moveTo(x, y + h + 13); g.lineTo(x - 4, y + h + 20); g.lineTo(x + 4, y + h + 20); g.fill();
    g.font = font(9.5); g.fillText(fit(g, lane.places[slot.reader], 70), clamp(x, box.x + 30, box.x + box.w - 30), y + h + 29);
  });
}
