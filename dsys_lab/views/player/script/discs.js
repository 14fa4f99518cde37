// Messages as discs: where each is, how it glides on, and how all of one style are drawn at once.

import { clamp } from "./words.js";
import { AGAIN, DEAD, HERE, LATE, MOVING, ROWS, WAITING, holeOf } from "./fold.js";
import { field } from "./rows.js";
import { upper } from "./timeline.js";
import { along, linkOf } from "./layout.js";
import { ST_DEAD, ST_HERE, ST_HOLE, ST_LATE, ST_MOVE, ST_WAIT, ST_WORD, TAU, font } from "./stage.js";

export const spot = [0, 0];
/**
 * Note copy `e` for drawing at (x, y). While the run plays, a leap of that spot (the copy has come to another place) is
 * taken up by an offset that fades: the disc glides over, and what moves smoothly anyhow is not held back.
 */
export function put(view, scene, e, x, y, r, ease) {
  const { lane, s } = scene, f = s.flags[e];
  r *= scene.sizes[e];
  if (ease < 1 && scene.stamp[e] === scene.frame - 1) {
    const dx = scene.tx[e] - x, dy = scene.ty[e] - y;
    if (dx * dx + dy * dy > 26 * 26) { scene.ox[e] += dx; scene.oy[e] += dy; }
    scene.ox[e] *= 1 - ease; scene.oy[e] *= 1 - ease;
  } else scene.ox[e] = scene.oy[e] = 0;
  scene.tx[e] = x; scene.ty[e] = y; x += scene.ox[e]; y += scene.oy[e];
  scene.px[e] = x; scene.py[e] = y; scene.stamp[e] = scene.frame;
  const status = f & 15, hole = holeOf(s, e), style = hole ? ST_HOLE + hole - 1 : f & LATE ? ST_LATE : status === WAITING ? ST_WAIT : status === MOVING ? ST_MOVE : status === DEAD ? ST_DEAD : ST_HERE;
  scene.styles[style].push(x, y, r);
  if (f & AGAIN) scene.rings.push(x, y, r);
  if (r >= 7 && scene.named.length < 600) scene.named.push(e, x, y, r, style === ST_HERE || style === ST_MOVE || hole === 3 ? 1 : 0);
  if (s.lease[e] && r >= 6 && (status === MOVING || status === HERE)) {   // what is left of a loan
    const m = s.lease[e] - 1, until = lane.lease[m];
    if (until > scene.now) scene.leases.push(x, y, r, (until - scene.now) / (until - lane.time[m]));
  }
}

/** Note where copy `e` is seen without a disc of its own: a click finds it there. */
export function standAt(scene, e, x, y) {
  scene.px[e] = scene.tx[e] = x; scene.py[e] = scene.ty[e] = y; scene.ox[e] = scene.oy[e] = 0; scene.stamp[e] = scene.frame;
}

/** Copies on their way, and word about copies that stay where they are. */
export function gatherRoad(view, scene, T, ease) {
  const { s, lane } = scene, { lay } = view, n = s.count[s.road];
  const r = view.roadRadius, spread = n > 5 ? Math.min(34, 1.4 * Math.sqrt(n)) : 0;
  for (let e = s.head[s.road]; e; e = s.next[e - 1]) {
    const m = s.move[e - 1] - 1, l = wayOf(lay, lane.origin[m], lane.target[m]);
    if (!l) continue;
    const span = lane.until[m] - lane.time[m];
    along(l, span > 0 ? clamp((T - lane.time[m]) / span, 0, 1) : 1, spot);
    const f = 4 * ((((e * 2654435761) >>> 8) & 1023) / 1023 - 0.5);
    put(view, scene, e - 1, spot[0], spot[1] + (spread * f) / 2, r, ease);
  }
  const from = T - Math.max(lane.longestFlight, view.flight);
  for (let i = upper(lane.flights, from, (m) => lane.time[m]); i < lane.flights.length; i++) {
    const m = lane.flights[i];
    if (m >= s.total[ROWS] || lane.time[m] > T) break;
    const until = Math.max(lane.until[m], lane.time[m] + view.flight), l = T < until && wayOf(lay, lane.origin[m], lane.target[m]);
    if (!l) continue;
    along(l, (T - lane.time[m]) / (until - lane.time[m]), spot);
    scene.styles[ST_WORD].push(spot[0], spot[1], Math.max(2.5, r * 0.62));
  }
}

function wayOf(lay, p, q) {
  const a = lay.boxOf[p], b = lay.boxOf[q];
  if (a < 0 || b < 0 || a === b) return null;
  const key = a * 1024 + b;
  if (!lay.linkOf.has(key)) lay.linkOf.set(key, linkOf(lay, a, b));
  return lay.linkOf.get(key);
}

/** All discs, one path for each style: a canvas fills a thousand arcs at once far sooner than one by one. */
export function drawDiscs(view, scene) {
  const { g, lane, s } = scene, c = view.palette;
  const fills = [c["waiting-fill"], c.moving, c.moving, c.box, c.box, c.box, c.stage, c.box, c.done];
  const edges = [c.waiting, c["moving-ink"], c["moving-ink"], c.lost, c.late, c["moving-ink"], c.lost, c.fg, c["done-ink"]];
  scene.styles.forEach((list, style) => {
    if (!list.length) return;
    const r0 = list[2], tiny = r0 < 3;
    g.beginPath();
    for (let i = 0; i < list.length; i += 3) {
      const r = list[i + 2];
      if (tiny) g.rect(list[i] - r, list[i + 1] - r, 2 * r, 2 * r);
      else { g.moveTo(list[i] + r, list[i + 1]); g.arc(list[i], list[i + 1], r, 0, TAU); }
    }
    g.fillStyle = fills[style]; g.fill();
    if (r0 < 3.4 && (style === ST_MOVE || style === ST_HERE)) return;
    g.strokeStyle = edges[style]; g.lineWidth = style === ST_LATE || style === ST_DEAD || style === ST_HOLE + 1 ? 2 : style === ST_HOLE ? 1.6 : r0 < 5 ? 0.8 : 1.3;
    g.setLineDash(style === ST_HOLE && !tiny ? [3, 2.5] : []); g.stroke(); g.setLineDash([]);
  });
  if (scene.rings.length) {
    g.beginPath(); g.strokeStyle = c.again;
    for (let i = 0; i < scene.rings.length; i += 3) { const r = scene.rings[i + 2] + (scene.rings[i + 2] > 5 ? 2 : 0.6); g.moveTo(scene.rings[i] + r, scene.rings[i + 1]); g.arc(scene.rings[i], scene.rings[i + 1], r, 0, TAU); }
    g.lineWidth = scene.rings[2] > 5 ? 2.4 : 1.6; g.stroke();
  }
  g.strokeStyle = c.fg; g.lineWidth = 1.6;
  for (let i = 0; i < scene.leases.length; i += 4) {
    g.beginPath(); g.arc(scene.leases[i], scene.leases[i + 1], scene.leases[i + 2] + 5, -TAU / 4, -TAU / 4 + TAU * scene.leases[i + 3]); g.stroke();
  }
  g.textAlign = "center";
  let size = 0, filled = -1;
  for (let i = 0; i < scene.named.length; i += 5) {
    if (scene.named[i + 4] !== filled) { filled = scene.named[i + 4]; g.fillStyle = filled ? "#0b2233" : c.fg; }
    const e = scene.named[i], r = scene.named[i + 3], name = holeOf(s, e) === 2 ? seconds(lane, s.move[e] - 1) : (scene.short[e] ??= short(lane.messages[lane.copyMessage[e]]));
    const want = Math.min(11, (r * 2.55) / Math.max(2.4, name.length));
    if (want < 6.5) continue;
    if (want !== size) { size = want; g.font = font(size, 500); }
    g.fillText(name, scene.named[i + 1], scene.named[i + 2] + size * 0.36);
  }
}

/** How long after it was lost a missing message was known. */
const seconds = (lane, i) => { const after = (field(lane, i, "after_us") ?? 0) / 1e6; return `${after < 9.95 ? after.toFixed(1) : Math.round(after)}s`; };

/** An id short enough for a disc: its number if it has one. */
export const short = (id) => (id.length <= 4 ? id : /\d{1,4}$/.exec(id)?.[0] ?? id.slice(0, 3));
