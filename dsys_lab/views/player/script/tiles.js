// Places that hold things in order: the pages of files as tiles, a log as a tape.

import { SKIP, field } from "./rows.js";
import { clamp, trim } from "./words.js";
import { AGAIN, ROWS } from "./fold.js";
import { CARET, natural } from "./layout.js";
import { fit, font } from "./stage.js";
import { put, short, standAt } from "./discs.js";

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

/**
 * A ruled tape that only grows: offsets tick below it. A record's ground has the hue of its key, and an orange bar
 * over it if it was sent again; what is too old is grey; a closed tape ends with a double bar. Below, in a line of its own, each position: an open caret is how far
 * somebody has read, a filled one how far its group has worked.
 */
export function drawTape(view, scene, box, T, ease) {
  const { g, s, lane } = scene, c = view.palette, p = box.places[0], end = s.tape[p], from = lane.tapeFrom.get(p) ?? 0;
  const cell = clamp((box.w - 14) / Math.max(8, lane.tapeEnd[p] - from), 7, 26), shown = Math.max(1, Math.floor((box.w - 14) / cell)), first = Math.max(from, end - shown);
  const x0 = box.x + 5, y = box.y + 6, h = Math.min(24, Math.max(8, box.h - 24)), keyed = lane.key.length > 0;
  const atX = (o) => x0 + clamp(o - first, 0, shown) * cell, ground = new Map(), oldest = s.head[p] ? lane.record[s.head[p] - 1] : end;
  for (let e = s.head[p]; e; e = s.next[e - 1]) ground.set(lane.record[e - 1], e - 1);
  g.textAlign = "center"; g.font = font(9.5); g.lineWidth = 1;
  const every = cell > 24 ? 1 : cell > 9 ? 5 : 10;
  for (let o = first; o < first + shown; o++) {
    const x = atX(o), gone = keyed && o < oldest && o < end;
    g.strokeStyle = o < end ? c.edge : c.line; g.fillStyle = gone ? c.skipped : c["waiting-fill"];
    g.beginPath(); g.roundRect(x + 0.75, y, cell - 1.5, h, Math.min(3, cell / 4)); if (o < end && (gone || !keyed || ground.has(o))) g.fill();   // a place that is kept for who comes later is empty
    const e = ground.get(o), key = e === undefined ? undefined : lane.key[e];
    if (key !== undefined) { g.fillStyle = hueOf(view, key); g.globalAlpha = 0.6; g.fill(); g.globalAlpha = 1; }
    g.stroke();
    if (key !== undefined) {
      standAt(scene, e, x + cell / 2, y + h / 2);
      if (s.flags[e] & AGAIN) { g.fillStyle = c.again; g.fillRect(x + 0.75, y - 3.5, cell - 1.5, 2.5); }
      if (g.measureText(short(key)).width < cell - 4) { g.fillStyle = c.fg; g.fillText(short(key), x + cell / 2, y + h / 2 + 3.5); }
    }
    if (o < end && o % every === 0) { g.fillStyle = c.soft; g.fillText(String(o), x + cell / 2, y + h + 11); }
  }
  if (!keyed) for (let e = s.head[p]; e; e = s.next[e - 1]) {
    const o = lane.record[e - 1];
    if (o >= first) put(view, scene, e - 1, atX(o + 0.5), y + h / 2, Math.min(9, cell * 0.4), ease);
  }
  if (lane.goneAt.get(p) < s.total[ROWS]) {                             // closed: nothing is added any more
    g.strokeStyle = c.fg; g.lineWidth = 2;
    for (const dx of [1, 5]) { g.beginPath(); g.moveTo(atX(end) + dx, y - 3); g.lineTo(atX(end) + dx, y + h + 3); g.stroke(); }
  }
  drawCarets(view, scene, box, { y: y + h + 14, low: y + h + 1, first, shown, atX });
}

/** The positions on a tape, each in a line of its own, and over the tape who works there. */
function drawCarets(view, scene, box, { y, low, first, shown, atX }) {
  const { g, s, lane } = scene, c = view.palette, p = box.places[0], row = (i) => s.slot[i] - 1;
  const mine = [...lane.slots.keys()].filter((i) => lane.slots[i].type === "caret" && lane.slots[i].place === p && s.slot[i]);
  const owned = mine.find((i) => lane.slots[i].what === "owner"), owner = owned === undefined ? "" : String(field(lane, row(owned), "owner"));
  if (owner) {
    g.font = font(10.5); g.fillStyle = c.soft; g.textAlign = "right";
    const words = [`${owner} works here`, owner].find((text) => g.measureText(text).width < box.w - box.titleWidth - 12);
    if (words) g.fillText(words, box.x + box.w - 1, box.y - 7);
  }
  const at = (i) => (lane.slots[i].what === "read" ? Number(field(lane, row(i), "first")) + Number(field(lane, row(i), "count")) : Number(field(lane, row(i), "offset")) + 1);
  const told = mine.filter((i) => { const { what, who } = lane.slots[i]; return what === "commit" || (what === "read" && (!owner || who === owner || row(i) > row(owned))); });
  told.forEach((i, n) => {
    const x = atX(at(i)), below = y + n * CARET, { what, who } = lane.slots[i], open = what === "read", words = `${who}${at(i) < first ? ` at ${at(i)}` : ""}`;
    if (below + 8 > box.y + box.h + 4) return;
    g.strokeStyle = g.fillStyle = c.fg; g.lineWidth = 1; g.globalAlpha = 0.35; g.beginPath(); g.moveTo(x, low); g.lineTo(x, below); g.stroke(); g.globalAlpha = 1;
    g.lineWidth = 1.4; g.beginPath(); g.moveTo(x, below); g.lineTo(x - 4, below + 7); g.lineTo(x + 4, below + 7); g.closePath();
    if (open) { g.fillStyle = c.box; g.fill(); g.stroke(); } else g.fill();
    g.font = font(10, 500); g.fillStyle = c.fg;
    const right = x + 9 + g.measureText(words).width < box.x + box.w - 4;
    g.textAlign = right ? "left" : "right"; g.fillText(words, x + (right ? 8 : -8), below + 8);
  });
}

/** The hue of a key, the same in every lane; neighbours in the order of their coming lie far apart. */
const hueOf = (view, key) => (key === undefined ? "" : `hsl(${Math.round(((view.model.keys.get(key) ?? 0) * 137.5) % 360)} 75% 55%)`);
