// Places and flows -> boxes and links.

import { clamp } from "./words.js";

export const PAD = 14, EXIT = 40, FALL = 34, TITLE = 20, FOOT = 18, CELL = 28, CELL_MIN = 5, TUBE = 12, CARET = 13;
export const natural = new Intl.Collator("en", { numeric: true }).compare;

/**
 * What the layout needs to know of all lanes together, so that a place stands at the same spot in each.
 * `memory` (name pairs -> order) keeps the flows of earlier runs, so that a slider does not move the furniture.
 */
export function graphOf(model, memory = new Map()) {
  const P = model.places.length, sum = (of) => Int32Array.from({ length: P + 1 }, (_, p) => Math.max(0, ...model.lanes.map((lane) => of(lane)[p] || 0)));
  const graph = { names: model.places, tiles: sum((l) => l.tileCount), files: sum((l) => l.fileCount), peak: sum((l) => l.peak), stored: sum((l) => l.stored),
    tray: sum((l) => l.trays), tape: sum((l) => l.tapes), carets: sum((l) => l.carets), grid: sum((l) => l.grids), axis: sum((l) => l.axisAt), tubes: sum((l) => l.tubes), used: sum((l) => l.used),
    edges: [], leaks: new Map(), nodes: new Map() };
  for (const lane of model.lanes) for (const [p, from] of lane.leaks) graph.leaks.set(p, Math.min(from, graph.leaks.get(p) ?? from));   // -1: none, in some lane
  const flows = model.lanes.flatMap((lane) => [...lane.flows.values()]).sort((x, y) => x.first - y.first);
  for (const { a, b } of flows) {
    const key = JSON.stringify([model.places[a], model.places[b]]);
    if (!memory.has(key)) memory.set(key, memory.size);
  }
  for (const key of memory.keys()) {                                    // in the order in which they were first seen
    const [a, b] = JSON.parse(key).map((name) => model.placeIds.get(name));
    if (a !== undefined && b !== undefined) graph.edges.push([a, b]);
  }
  // the tree of places: `/` nests, and many of one stem (device-1 … device-50) are one group
  const root = node("", "", null);
  const stems = new Map();
  const parts = (name) => name.split("/");
  model.places.forEach((name, p) => {
    if (!shownAtAll(graph, p)) return;
    parts(name).forEach((part, depth, all) => {
      const key = all.slice(0, depth).join("/") + "/" + stem(part);
      if (!stems.has(key)) stems.set(key, new Set());
      stems.get(key).add(part);
    });
  });
  function node(id, label, parent) {
    const it = { id, label, parent, children: [], place: -1 };
    graph.nodes.set(id, it); if (parent) parent.children.push(it);
    return it;
  }
  model.places.forEach((name, p) => {
    if (!shownAtAll(graph, p)) return;
    let at = root;
    parts(name).forEach((part, depth, all) => {
      const path = all.slice(0, depth).join("/"), many = stems.get(`${path}/${stem(part)}`);
      if (many.size > 8 && stem(part) !== part) {
        const id = (path ? `${path}/` : "") + `${stem(part)}*`;
        at = graph.nodes.get(id) ?? node(id, `${stem(part)}*`, at);
      }
      const id = all.slice(0, depth + 1).join("/");
      at = graph.nodes.get(id) ?? node(id, part, at);
    });
    at.place = p;
  });
  for (let p = 0; p < P; p++) if (graph.tray[p] && graph.stored[p]) graph.peak[p] = graph.stored[p];   // who stands at the door is not in
  for (const lane of model.lanes) for (let p = 0; p < P; p++)            // places that stay free are drawn too, if they are not too many
    if (graph.tray[p] && lane.room[p] <= Math.max(64, 3 * graph.peak[p])) graph.peak[p] = Math.max(graph.peak[p], lane.room[p]);
  graph.root = root;
  return graph;
}

const stem = (part) => part.replace(/\d+$/, "");
/** The part of the whole that a box stands in: what is written before its last slash, or itself where it has parts. */
const partOf = (boxes, box) => (box.aside ? "" : boxes.some((one) => one !== box && one.id.startsWith(`${box.id}/`)) ? box.id : parentOf(box.id));
export const parentOf = (id) => id.slice(0, Math.max(0, id.lastIndexOf("/")));
/** A place where nothing stands or passes and that is in no state (a network, a clock) has no box. */
const shownAtAll = (graph, p) => graph.used[p] !== 0;
const placesUnder = (it) => [...(it.place >= 0 ? [it.place] : []), ...it.children.flatMap(placesUnder)];

/** The boxes to show at a zoom: groups open, smallest first, as long as the picture stays readable. */
function chosen(graph, zoom) {
  const top = graph.nodes.get(zoom) ?? graph.root;
  if (!top.children.length) return top === graph.root ? [] : [{ it: top, open: true }];
  let list = (top.place >= 0 && top !== graph.root ? [{ it: top, open: true }] : []).concat(top.children.map((it) => ({ it, open: false })));
  for (;;) {
    const groups = list.filter((x) => !x.open && x.it.children.length).sort((x, y) => x.it.children.length - y.it.children.length);
    const next = groups.find((x) => list.length + x.it.children.length <= 16);
    if (!next) return list;
    const inside = next.it.children.map((it) => ({ it, open: false }));
    if (next.it.place >= 0 && graph.used[next.it.place] & 2) inside.unshift({ it: next.it, open: true });   // a part that is only in a state is its frame
    list.splice(list.indexOf(next), 1, ...inside);
  }
}

/** Boxes and links on a stage of `width` by `height`; without a height, as high as the picture needs. */
export function layout(graph, width, height = 0, zoom = "") {
  const P = graph.names.length, boxOf = new Int16Array(P + 1).fill(-1);
  const boxes = chosen(graph, zoom).map(({ it, open }) => {
    const places = open ? [it.place].filter((p) => p >= 0) : placesUnder(it), one = places.length === 1;
    const has = (flags) => places.some((p) => flags[p]);
    const kind = !one && places.length ? "group" : has(graph.grid) ? "grid" : has(graph.axis) ? "axis" : has(graph.tape) ? "tape" : has(graph.tray) ? "tray" : "machine";
    return { id: it.id, label: it.id.startsWith(`${zoom}/`) && zoom ? it.id.slice(zoom.length + 1) : it.id, places, kind,
      peak: places.reduce((sum, p) => sum + graph.peak[p], 0), tubes: one ? graph.tubes[places[0]] : 0, focus: zoom !== "", col: 0, row: 0, carets: places.reduce((sum, p) => sum + graph.carets[p], 0),
      idle: places.every((p) => !(graph.used[p] & 2)), tiles: places.reduce((sum, p) => sum + graph.tiles[p], 0), files: places.reduce((sum, p) => sum + graph.files[p], 0) };
  });
  if (zoom && graph.nodes.has(zoom)) boxes.push(...neighbours(graph, boxes));
  boxes.forEach((box, b) => { for (const p of box.places) boxOf[p] = b; });
  const edges = new Map();
  for (const [a, b] of graph.edges) {
    const x = boxOf[a], y = boxOf[b];
    if (x >= 0 && y >= 0 && x !== y) edges.set(x * 1024 + y, [x, y]);
  }
  for (const box of boxes) { const from = box.places.length === 1 ? graph.leaks.get(box.places[0]) ?? -1 : -1; box.under = from >= 0 ? boxOf[from] : -1; }
  columns(boxes, [...edges.values()]);
  const lay = { boxes, boxOf, width, height, zoom, frames: [], columns: 1 + Math.max(0, ...boxes.map((box) => box.col)) };
  place(lay);
  lay.links = [...edges.values()].map(([a, b]) => linkOf(lay, a, b));
  lay.linkOf = new Map(lay.links.map((l) => [l.a * 1024 + l.b, l]));
  return lay;
}

/** Where a zoomed place gets its messages from and hands them to: narrow boxes at its sides. */
function neighbours(graph, boxes) {
  const inside = new Set(boxes.flatMap((box) => box.places)), sides = new Map();
  for (const [a, b] of graph.edges) {
    for (const [p, q] of [[a, b], [b, a]]) {
      if (inside.has(p) && !inside.has(q) && sides.size < 6) sides.set(q, true);
    }
  }
  return [...sides.keys()].map((p) => ({ id: graph.names[p], label: graph.names[p], places: [p], peak: graph.peak[p], tubes: 0, aside: true,
    kind: graph.tray[p] ? "tray" : "machine", focus: false, col: 0, row: 0 }));
}

/** Cause left, effect right: layers by the longest way, over the flows in the order seen, without those that lead back; what leaks out below its place. */
function columns(boxes, edges) {
  const out = boxes.map(() => []), reaches = (a, b) => a === b || out[a].some((c) => reaches(c, b));
  for (const [a, b] of edges) if (!reaches(b, a)) out[a].push(b);
  const into = boxes.map(() => []);
  out.forEach((list, a) => list.forEach((b) => into[b].push(a)));
  const layer = boxes.map(() => -1), layerOf = (b) => (layer[b] >= 0 ? layer[b] : (layer[b] = into[b].length ? 1 + Math.max(...into[b].map(layerOf)) : 0));
  boxes.forEach((_, b) => layerOf(b));
  boxes.forEach((box, b) => {                                           // who has no flow stands with its like
    if (into[b].length || out[b].length) { box.col = layer[b]; return; }
    const flows = (o) => o !== b && (into[o].length || out[o].length), part = partOf(boxes, box);
    let like = boxes.findIndex((other, o) => flows(o) && stem(other.id) === stem(box.id));
    if (like < 0 && part) like = boxes.findIndex((other, o) => flows(o) && partOf(boxes, other) === part);
    box.col = like >= 0 ? layer[like] : edges.length || box.idle ? 0 : 1;
  });
  boxes.forEach((box, b) => { if (!into[b].length && out[b].length) box.col = Math.max(0, Math.min(...out[b].map((o) => boxes[o].col)) - 1); });
  for (const box of boxes) if (box.under >= 0) box.col = boxes[box.under].col;
  const inCol = new Map();
  boxes.forEach((box, b) => { if (!inCol.has(box.col)) inCol.set(box.col, []); inCol.get(box.col).push(b); });
  [...inCol.keys()].sort((x, y) => x - y).forEach((c, rank) => {
    const list = inCol.get(c), mean = (b) => (into[b].length ? into[b].reduce((sum, a) => sum + boxes[a].row, 0) / into[b].length : 0);
    const kin = new Map(), kinOf = (b) => partOf(boxes, boxes[b]) || stem(boxes[b].id);   // those of one part or stem stay together, in natural order
    for (const b of list) { const name = kinOf(b); kin.set(name, [...(kin.get(name) ?? []), mean(b)]); }
    const key = (b) => { const means = kin.get(kinOf(b)); return means.reduce((x, y) => x + y, 0) / means.length; };
    list.sort((x, y) => (boxes[x].under >= 0) - (boxes[y].under >= 0) || key(x) - key(y) || natural(kinOf(x), kinOf(y)) || natural(boxes[x].id, boxes[y].id));
    const mains = list.filter((b) => boxes[b].under < 0).length;
    list.forEach((b, i) => { boxes[b].row = i - (mains - 1) / 2; boxes[b].col = rank; boxes[b].rank = i; boxes[b].of = list.length; });
  });
}

const ROWS_MOST = 6.5, MARGIN = 9, LEAST = 12, FLAT = 36;               // boxes below each other in a column; of a frame round its boxes; the least height of a box, and the one at which it reads well

/** The boxes of a column as blocks: neighbours of one part stand in one frame, `across` beside each other. */
function blocksOf(lay, c) {
  const blocks = [];
  for (const box of lay.boxes.filter((one) => one.col === c).sort((x, y) => x.rank - y.rank)) {
    const parent = partOf(lay.boxes, box);
    if (blocks.at(-1)?.parent === parent) blocks.at(-1).boxes.push(box); else blocks.push({ parent, boxes: [box] });
  }
  for (const block of blocks) block.framed = block.parent !== "" && block.parent !== lay.zoom && block.boxes.length > 1;
  const rows = (across) => blocks.reduce((sum, block) => sum + Math.ceil(block.boxes.length / across) + 0.4 * block.framed, 0);
  const most = Math.max(...blocks.map((block) => block.boxes.length)), enough = most > 24 ? 9.5 : ROWS_MOST;
  let across = 1;
  while (across < most && rows(across) > enough) across++;
  return { blocks, across, boxes: blocks.flatMap((block) => block.boxes) };
}

/** Give every box its rectangle, and every tray the size of its discs: the largest at which the fullest moment fits. */
function place(lay) {
  if (!lay.boxes.length) { lay.height ||= 60; lay.discs = 9; return; }
  const cols = Array.from({ length: lay.columns }, (_, c) => blocksOf(lay, c)), small = (box) => box.kind === "machine" || box.kind === "group";
  const weight = (box) => (box.aside ? 0.8 : small(box) ? (box.focus ? 2 : 1) : box.focus || box.files > 1 || box.kind === "axis" || box.kind === "tape" ? 4 : 2.5);
  const most = (box) => (box.aside ? 110 : small(box) ? (box.focus ? 300 : 128) : box.focus ? 760 : box.kind === "tape" ? 620 : 460);
  const room = lay.width - 2 * PAD - EXIT, gap0 = clamp((room * 0.28) / Math.max(2, cols.length - 1), 20, 84), free = room - gap0 * (cols.length - 1);
  const weights = cols.map(({ boxes, across }) => Math.max(...boxes.map(weight)) * Math.min(5, across)), total = weights.reduce((x, y) => x + y, 0);
  const wide = cols.map(({ boxes, across }, c) => Math.min(Math.max(...boxes.map(most)) * across, (free * weights[c]) / total));
  const spare = free - wide.reduce((x, y) => x + y, 0);
  const gap = gap0 + (cols.length > 1 ? Math.min(240, spare / (cols.length - 1)) : 0);
  let x = (lay.width - EXIT - wide.reduce((a, b) => a + b, 0) - gap * (cols.length - 1)) / 2;
  const tall = (box, column) => {                                       // the height that it would like
    const w = Math.min(column, most(box));
    if (box.kind === "grid") return clamp(Math.max(Math.sqrt((box.tiles * 324 * 240) / Math.max(1, w)), 8 + 11.5 * box.files), 54, 240);
    if (box.kind === "axis") return box.peak ? 92 : 60;
    if (small(box)) return Math.max(46, Math.min(84, 26 * Math.ceil((box.peak * 30) / Math.max(30, w - 12)) + 20));
    if (box.kind === "tape") return 46 + CARET * box.carets;
    for (const cell of [26, 19, 14, 10.5]) {
      const rows = Math.ceil(box.peak / Math.max(1, Math.floor((w - 12) / cell)));
      if (rows * cell + 12 <= 130) return Math.max(46, rows * cell + 12);
    }
    return box.focus ? 240 : 176;
  };
  for (const [c, col] of cols.entries()) {                              // rows of boxes, each as high as its highest; frames take their share
    col.rows = [];
    for (const block of col.blocks) for (let i = 0, n; i < block.boxes.length; i += n) {
      n = block.boxes[i].id === block.parent ? 1 : col.across;          // what the whole part shows has a row of its own
      const boxes = block.boxes.slice(i, i + n), last = i + n >= block.boxes.length;
      col.rows.push({ block, boxes, wish: Math.max(...boxes.map((box) => tall(box, wide[c] / col.across))), over: TITLE * (1 + (block.framed && !i)),
        under: (col.across > 1 && !block.framed ? 6 : FOOT) + MARGIN * (block.framed && last), after: 7 * (block.framed && last) });
    }
    col.fixed = col.rows.reduce((sum, row) => sum + row.over + row.under + row.after, 0); col.wish = col.rows.reduce((sum, row) => sum + row.wish, 0);
  }
  const needs = (of) => Math.ceil(Math.max(...cols.map((col) => col.fixed + col.rows.reduce((sum, row) => sum + of(row.wish), 0))) + PAD + FALL);
  const most_high = lay.boxes.some((box) => box.id.includes("/")) ? 540 : 440;
  if (!lay.height) lay.height = clamp(needs((wish) => wish), 150, most_high);
  lay.height = Math.max(lay.height, Math.min(most_high, needs((wish) => Math.min(wish, FLAT))), needs(() => LEAST));   // a frame that a smaller run left grows
  const high = lay.height - PAD - FALL;                                 // what is lost falls below the boxes
  for (const [c, col] of cols.entries()) {
    // where there is too little room, each row keeps what a flat box needs as long as that fits, and the tall ones give way
    const left_over = high - col.fixed, flat = (wish) => Math.min(wish, FLAT), least = col.rows.reduce((sum, row) => sum + flat(row.wish), 0), fits = least <= left_over;
    const share = Math.min(1, fits ? (left_over - least) / Math.max(1, col.wish - least) : left_over / col.wish);
    const heightOf = (wish) => Math.max(LEAST, fits ? flat(wish) + (wish - flat(wish)) * share : wish * share), slot = wide[c] / col.across;
    const used = col.rows.reduce((sum, row) => sum + heightOf(row.wish), col.fixed), between = clamp((high - used) / Math.max(1, col.rows.length), 0, 26);
    let y = PAD / 2 + (high - used - between * (col.rows.length - 1)) / 2;
    for (const { block, boxes, wish, over, under, after } of col.rows) {
      if (block.framed && over > TITLE) lay.frames.push(block.frame = { label: block.parent, x: x - MARGIN, y: y, w: wide[c] + 2 * MARGIN, h: 0 });
      boxes.forEach((box, i) => {
        const own = block.framed ? wide[c] / Math.min(col.across, boxes.length) : slot;
        const w = Math.min(own - (col.across > 1 ? 8 : 0), most(box)), left = x + own * i;
        Object.assign(box, { x: left + (own - w) / 2, y: y + over, w, h: heightOf(wish), room: col.across > 1 ? w : w + gap * 0.8 });
        box.tight = col.across > 1;
        if (block.framed) box.label = box.id.slice(block.parent.length + 1);
        seats(box);
      });
      y += over + heightOf(wish) + under;
      if (block.frame) block.frame.h = y - block.frame.y;
      y += between + after;
    }
    x += wide[c] + gap;
  }
  lay.discs = Math.min(9, ...lay.boxes.filter((box) => !box.level && box.peak).map((box) => box.cell * 0.42), 9);
}

/** How discs stand in a box: the largest cells in which its fullest moment fits; none if they would be too small. */
function seats(box) {
  const cw = box.w - 10 - TUBE * box.tubes, ch = (box.h - 8) * (box.kind === "axis" ? 0.4 : 1);
  box.cell = 0;
  for (let cell = Math.min(CELL, ch); cell >= CELL_MIN && !box.cell; cell -= 0.25) if (Math.floor(cw / cell) * Math.floor(ch / cell) >= box.peak) box.cell = cell;
  box.level = box.kind === "group" || !box.cell;                        // too many to show one by one: a level and a number
  if (!box.cell) box.cell = CELL_MIN;
  box.across = Math.max(1, Math.floor(cw / box.cell)); box.rows = Math.max(1, Math.floor(ch / box.cell));
  if (box.kind === "machine") { box.across = Math.max(1, Math.min(box.across, box.peak)); }
}

/** The middle of the `k`-th place in a box: a line that winds like a queue before a counter, its head bottom right. */
export function seat(box, k, out) {
  const { cell, across } = box, r = Math.floor(k / across), i = k % across;
  if (box.kind === "machine") {
    const rows = Math.ceil(Math.min(box.peak || 1, box.across * box.rows) / across);
    out[0] = box.x + (box.w + TUBE * box.tubes) / 2 + (i - (across - 1) / 2) * cell;
    out[1] = box.y + box.h / 2 + (r - (rows - 1) / 2) * cell;
    return out;
  }
  const side = (box.w - TUBE * box.tubes - across * cell) / 2, c = r % 2 ? across - 1 - i : i;
  out[0] = box.x + box.w - side - (c + 0.5) * cell;
  const rows = Math.ceil(Math.min(box.peak || 1, across * box.rows) / across), floor = box.kind === "axis" ? 4 : Math.max(5, (box.h - rows * cell) / 2);
  out[1] = box.y + box.h - floor - (r + 0.5) * cell;
  return out;
}

/** The way between two boxes: forward straight, back below it, past what stands between in a bow. */
export function linkOf(lay, a, b) {
  const A = lay.boxes[a], B = lay.boxes[b], ahead = B.col - A.col, mid = (box, f) => box.y + box.h * f;
  if (ahead === 0) {
    const bow = 26, x = Math.min(A.x, B.x);
    return { a, b, x0: A.x, y0: mid(A, 0.5), cx: x - bow * 1.6, cy: (mid(A, 0.5) + mid(B, 0.5)) / 2, x1: B.x, y1: mid(B, 0.5) };
  }
  if (ahead > 0) {
    const l = { a, b, x0: A.x + A.w, y0: mid(A, 0.42), x1: B.x, y1: mid(B, 0.42) };
    return bend(lay, l, ahead, -1);
  }
  if (ahead === -1) return bend(lay, { a, b, x0: A.x, y0: mid(A, 0.72), x1: B.x + B.w, y1: mid(B, 0.72) }, 1, 1);
  return bend(lay, { a, b, x0: A.x + A.w * 0.8, y0: A.y + A.h, x1: B.x + B.w * 0.5, y1: B.y + B.h }, -ahead, 1);
}

function bend(lay, l, reach, side) {
  l.cx = (l.x0 + l.x1) / 2; l.cy = (l.y0 + l.y1) / 2;
  if (reach === 1) return l;
  const left = Math.min(l.x0, l.x1), right = Math.max(l.x0, l.x1);
  const between = lay.boxes.filter((box) => box.x > left - 4 && box.x + box.w < right + 4);
  const hits = between.filter((box) => { const f = (box.x + box.w / 2 - l.x0) / (l.x1 - l.x0), y = l.y0 + (l.y1 - l.y0) * f; return y > box.y - TITLE && y < box.y + box.h + FOOT; });
  if (!hits.length) return l;
  for (const box of hits) for (const x of [box.x - 5, box.x + box.w + 5]) {   // clear both corners of what stands between
    const f = clamp((x - l.x0) / (l.x1 - l.x0), 0.02, 0.98), y = side < 0 ? box.y - TITLE - 4 : box.y + box.h + 13;
    const cy = (y - (1 - f) * (1 - f) * l.y0 - f * f * l.y1) / (2 * f * (1 - f));
    l.cy = side < 0 ? Math.min(l.cy, cy) : Math.max(l.cy, cy);
  }
  const most = (2 * (side < 0 ? 5 : lay.height - 5)) - (l.y0 + l.y1) / 2;   // a curve passes half way to its control point
  l.cy = side < 0 ? Math.max(l.cy, most) : Math.min(l.cy, most);
  return l;
}

/** A point on a link, 0 at its start and 1 at its end. */
export function along(l, f, out) {
  const g = 1 - f;
  out[0] = g * g * l.x0 + 2 * g * f * l.cx + f * f * l.x1;
  out[1] = g * g * l.y0 + 2 * g * f * l.cy + f * f * l.y1;
  return out;
}
