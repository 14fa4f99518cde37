// The one pass over a run: series, flows, peaks, ghosts; and the steps over all lanes.

import { BOUNCE, BURST, DONE, MARK, MEASURE, MOVE, PUT, SAY, SKIP, STORED, TAKE, TOUCH, field } from "./rows.js";
import { EVERY, HERE, apply, balance, blank, holeOf, lostOf } from "./fold.js";

/** The one pass over a lane: checkpoints, series for the strips, flows between places, peaks, ghosts, what to open at. */
export function timeline(model, lane) {
  const s = blank(lane), P = model.places.length, perPlace = () => new Int32Array(P + 1);
  lane.marks = []; lane.flights = []; lane.faultSpans = []; lane.ghosts = []; lane.flows = new Map(); lane.leaving = lane.longestFlight = 0;
  lane.used = perPlace(); lane.trays = perPlace(); lane.tapes = perPlace(); lane.grids = perPlace(); lane.axisAt = perPlace(); lane.tubes = perPlace();
  lane.peak = perPlace(); lane.stored = perPlace(); lane.room = perPlace(); lane.tileCount = perPlace(); lane.fileCount = perPlace();
  lane.carets = perPlace(); lane.leaks = new Map(); lane.tapeFrom = new Map(); lane.tapeEnd = perPlace();
  lane.stood = new Uint8Array(lane.n); lane.record = new Int32Array(lane.entities).fill(-1); lane.bornAt = new Map(); lane.goneAt = new Map();
  const files = new Set();
  for (const { type, place: p, file, what } of lane.slots) {
    if (type === "caret" && what !== "owner") lane.carets[p]++;
    if (type === "tile") { lane.tileCount[p]++; if (files.size < files.add(`${p} ${file}`).size) lane.fileCount[p]++; }
    if (type === "window" || type === "line") { lane.axisAt[p] = 1; lane.used[p] |= 3; }
    if (type === "gauge") { lane.tubes[p]++; lane.used[p] |= 3; }
  }
  for (const { row, born, gone } of lane.splits) {
    for (const p of born) { lane.bornAt.set(p, row); lane.used[p] |= 3; }
    for (const p of gone) { lane.goneAt.set(p, row); lane.used[p] |= 3; }
  }
  lane.lends = lane.lease.some((until) => until > 0);
  const series = { depth: steps(), done: steps(), lost: steps() }, troubled = new Map(), atWork = new Map(), letGo = new Int32Array(lane.entities);
  const limit = Number(lane.header.invariants?.["bounded depth"]?.depth_max) || 0;   // how many a buffer may hold, 0: no bound is known
  const flow = (a, b, i) => {
    if (a < 0 || a === b || lane.flows.has(a * 65536 + b)) return;
    lane.flows.set(a * 65536 + b, { a, b, first: lane.time[i] });
  };
  const busy = (p, n) => { if (n > lane.peak[p]) lane.peak[p] = n; };
  const haunt = (key, i) => { atWork.get(key).until = i; atWork.delete(key); };
  for (let i = 0; i < lane.n; i++) {
    if (i % EVERY === 0) lane.marks.push(s.all.slice());
    const k = lane.kinds[lane.kind[i]], e = lane.entity[i], p = lane.place[i], to = lane.target[i], struck = k.set | k.clear ? lane.struck.get(i) : null;
    const was = e < 0 ? -1 : s.at[e] - 1, road = was === s.road, from = road ? lane.target[s.move[e] - 1] : was;
    const borrower = e >= 0 && s.lease[e] && (s.flags[e] & 15) === HERE ? was : -1;
    if (e >= 0) lane.stood[i] = s.flags[e] & 15;
    if (struck) for (const q of struck) lane.used[q] |= 1;
    else if (k.v === MARK) { if (k.caret !== "owner") lane.used[p] |= 1; }
    else if (k.v !== MEASURE && k.v !== SAY) { lane.used[p] |= 3; lane.used[to] |= 3; lane.used[lane.origin[i]] |= 3; }
    const echo = apply(lane, s, i), moved = e >= 0 && (s.at[e] - 1 !== was || k.v === TAKE);
    if (e >= 0 && lane.stood[i] && !s.at[e]) lane.leaving++;
    if (k.v === MOVE) {
      flow(lane.origin[i], to, i);
      if (e < 0 || echo) { lane.flights.push(i); lane.longestFlight = Math.max(lane.longestFlight, lane.until[i] - lane.time[i]); }
    } else if (moved && from !== to && k.v !== MARK) { flow(from, p, i); flow(p, to, i); }
    const sender = k.v === BOUNCE ? model.placeIds.get(String(field(lane, i, "source"))) : undefined;
    if (sender !== undefined) flow(sender, p, i);
    if (k.v === MARK && lane.slot[i] >= 0) flow(lane.slots[lane.slot[i]].place, p, i);   // who keeps a position reads from there
    if (e >= 0 && s.at[e] - 1 === to && !holeOf(s, e)) lane.leaks.set(to, -1);   // what is not only of outlines
    if (k.v === PUT) {
      if (k.hole && to !== p && !lane.leaks.has(to)) lane.leaks.set(to, p);
      const o = lane.offset[i];
      if (o >= 0) {
        lane.tapes[to] = 1; if (e >= 0) lane.record[e] = o;
        lane.tapeFrom.set(to, Math.min(o, lane.tapeFrom.get(to) ?? o)); lane.tapeEnd[to] = Math.max(lane.tapeEnd[to], o + 1);
        if (e >= 0 && lane.key[e] !== undefined && !model.keys.has(lane.key[e])) model.keys.set(lane.key[e], model.keys.size);
      }
      if (k.a === STORED || (!k.a && e >= 0)) lane.trays[to] = 1;
      if (limit && k.a === STORED && field(lane, i, "depth") !== undefined) lane.room[to] = limit;
    }
    if (k.v === BURST && to !== p) lane.trays[to] = 1;
    if (k.v === TOUCH || k.v === SKIP) lane.grids[p] = 1;
    // a borrower that works on although its loan is over: a ghost, until it says another word of that message or crashes
    if (e >= 0 && lane.lends) {
      const key = p * 16777216 + e;
      if (atWork.size && atWork.has(key) && (k.v !== MARK || k.lets_go)) haunt(key, i);
      if (k.lets_go) letGo[e] = p + 1; else if (k.v !== MARK) letGo[e] = k.v === PUT ? 0 : letGo[e];
      if (borrower >= 0 && borrower !== p && s.at[e] - 1 !== borrower && !s.bits[borrower] && letGo[e] !== borrower + 1) {
        const ghost = { place: borrower, copy: e, from: i, until: lane.n };
        atWork.set(borrower * 16777216 + e, ghost); lane.ghosts.push(ghost);
      }
    }
    if (struck) for (const q of struck) {
      if (k.strikes) for (const [key, ghost] of atWork) if (ghost.place === q) haunt(key, i);
      if (s.bits[q] & model.faulty) { if (!troubled.has(q)) troubled.set(q, lane.time[i]); }
      else if (troubled.has(q)) { lane.faultSpans.push([troubled.get(q), lane.time[i], q]); troubled.delete(q); }
    }
    busy(to, s.count[to]); busy(p, s.count[p]); busy(P, s.count[s.road]);
    if (s.count[to] - s.here[to] > lane.stored[to]) lane.stored[to] = s.count[to] - s.here[to];
    step(series.depth, lane.time[i], s.total[STORED]); step(series.done, lane.time[i], s.total[DONE]);
    step(series.lost, lane.time[i], lostOf(s));
  }
  if (!lane.marks.length) lane.marks.push(s.all.slice());
  for (const [p, t] of troubled) lane.faultSpans.push([t, lane.end, p]);
  lane.final = balance(s); lane.skips = s.skipped.some(Boolean); lane.strips = stripsOf(model, lane, series);
  return lane;
}

const steps = () => ({ t: [0], y: [0] });
function step(series, t, y) {
  const n = series.t.length - 1;
  if (series.y[n] === y) return;
  if (series.t[n] === t) series.y[n] = y; else { series.t.push(t); series.y.push(y); }
}

/** Named curves: the run's gauges, then depth, done a second and lost. */
function stripsOf(model, lane, series) {
  const strips = new Map();
  for (let i = 0; i < lane.n; i++) {
    if (lane.kinds[lane.kind[i]].v !== MEASURE) continue;
    const name = String(field(lane, i, "name")), y = Number(field(lane, i, "value")), p = lane.place[i];
    if (!strips.has(name)) strips.set(name, { name, unit: String(field(lane, i, "unit") ?? ""), lines: new Map() });
    const lines = strips.get(name).lines;
    if (!lines.has(p)) lines.set(p, { label: model.places[p], t: [], y: [] });
    if (Number.isFinite(y)) { lines.get(p).t.push(lane.time[i]); lines.get(p).y.push(y); }
  }
  const all = [...strips.values()].map((strip) => ({ ...strip, lines: [...strip.lines.values()] }));
  const derive = (name, unit, line) => { if (!strips.has(name)) all.push({ name, unit, derived: true, lines: [{ label: "", ...line }] }); };
  derive("depth", "waiting", series.depth);
  derive("done", "a second", perSecond(model, series.done));
  derive("lost", "in all", series.lost);
  return all;
}

/** A running total as a rate, over bins of a second where the run lasts long enough for that. */
function perSecond(model, total) {
  const span = Math.max(1, model.end - model.start), seconds = span >= 20e6 && span <= 240e6;
  const bins = seconds ? Math.ceil(span / 1e6) : 80, width = seconds ? 1e6 : span / 80, rate = { t: [model.start], y: [0] };   // said when a bin is over, not before
  for (let b = 0, j = 0, last = 0; b < bins; b++) {
    const from = model.start + b * width;
    while (j + 1 < total.t.length && total.t[j + 1] <= from + width) j++;
    rate.t.push(Math.min(model.end, from + width)); rate.y.push(((total.y[j] - last) * 1e6) / width); last = total.y[j];
  }
  return rate;
}

/** The names of at most three strips for all lanes: those a run names, then those with a reference; a derived one only if it ever moves. */
export function stripNames(lanes) {
  const names = [];
  const add = (name) => { if (!names.includes(name)) names.push(name); };
  const all = lanes.flatMap((lane) => lane.strips);
  const moves = (strip) => strip.lines.some((line) => line.y.some((y) => y !== 0));
  for (const lane of lanes) for (const name of lane.header.strip ?? []) if (all.some((x) => x.name === name)) add(name);
  for (const lane of lanes) for (const name in lane.header.references) if (all.some((x) => x.name === name)) add(name);
  all.filter((strip) => !strip.derived).forEach((strip) => add(strip.name));
  all.filter((strip) => strip.derived && moves(strip)).forEach((strip) => add(strip.name));
  return names.slice(0, 3);
}

/** All lanes' rows as one row of steps. Rows that are the same in every lane at the same time are one step: same luck. */
export function stepsOf(lanes) {
  const total = lanes.reduce((sum, lane) => sum + lane.n, 0), time = new Float64Array(total + 1), L = lanes.length;
  const counts = lanes.map(() => new Int32Array(total + 1)), at = new Int32Array(L);
  let k = 0;
  for (;;) {
    let first = -1, together = L > 1;
    for (let j = 0; j < L; j++) if (at[j] < lanes[j].n && (first < 0 || lanes[j].time[at[j]] < lanes[first].time[at[first]])) first = j;
    if (first < 0) break;
    for (let j = 0; j < L && together; j++) together = j === first || (at[j] < lanes[j].n && sameRow(lanes[first], at[first], lanes[j], at[j]));
    time[++k] = lanes[first].time[at[first]];
    for (let j = 0; j < L; j++) { if (j === first || together) at[j]++; counts[j][k] = at[j]; }
  }
  time[0] = -Infinity;
  return { n: k, time: time.subarray(0, k + 1), counts: counts.map((count) => count.subarray(0, k + 1)) };
}

const sameRow = (a, i, b, j) => a.time[i] === b.time[j] && a.kind[i] === b.kind[j] && a.place[i] === b.place[j]
  && (a.message[i] < 0 ? "" : a.messages[a.message[i]]) === (b.message[j] < 0 ? "" : b.messages[b.message[j]]);

/** How many of the sorted numbers (of `of` each, where they are not numbers themselves) are at most `x`. */
export function upper(a, x, of = (it) => it) {
  let lo = 0, hi = a.length;
  while (lo < hi) { const mid = (lo + hi) >> 1; if (of(a[mid]) <= x) lo = mid + 1; else hi = mid; }
  return lo;
}

/** The rows that break a promise, as [time, lane, row, lamp] in order: of one lane or all (-1), of one lamp or all (""). */
export function brokenRows(lanes, only = -1, name = "") {
  return lanes.flatMap((lane, j) => (only >= 0 && j !== only ? [] : lane.lamps.filter((lamp) => !name || lamp.name === name)
    .flatMap((lamp) => lamp.rows.map((i) => [lane.time[i], j, i, lamp])))).sort((a, b) => a[0] - b[0] || a[1] - b[1] || a[2] - b[2]);
}
