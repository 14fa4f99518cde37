// Rows -> state: compiled to operations, applied one by one, with checkpoints, so that any moment can be sought.

import {
  ACCOUNTS, ARRIVE, BOUNCE, BURST, DONE, DROPPED, EXPIRED, FADE, IN_FLIGHT, LINE, MARK, MEASURE, MOVE, OPEN, PUT, SET_ASIDE,
  SKIP, SPLIT, STORED, TAKE, TOUCH, UNMATCHED, field, placeId,
} from "./rows.js";

// The thing that moves is a *copy*: (message, fields.copy or 0). Compiling gives each row the numbers that `apply` needs.
// State is one Int32Array with named windows into it, so that a checkpoint is one memory copy.
export const ABSENT = 0, WAITING = 1, HERE = 2, MOVING = 3, DEAD = 4;
export const AGAIN = 1 << 8, LATE = 1 << 9, SEEN = 1 << 10, HOLE = 11, ATTEMPT = 16;   // flags: status | account << 4 | … | hole << 11 | attempt << 16
export const ROWS = 0, OFFERED = 9, AGAINS = 10, SHOWN = 11, TOTALS = 12;   // totals[1..8]: the accounts
export const EVERY = 1024;                                              // rows between two checkpoints

export function compile(model, lane) {
  const { n, kind, message, nth } = lane;
  lane.copy = []; lane.copyMessage = []; lane.slots = [];
  lane.entity = new Int32Array(n).fill(-1); lane.target = Int32Array.from(lane.place); lane.origin = Int32Array.from(lane.place);
  lane.until = Float64Array.from(lane.time); lane.attempt = new Uint16Array(n); lane.offset = new Float64Array(n).fill(-1); lane.lease = new Float64Array(n);
  lane.slot = new Int32Array(n).fill(-1); lane.struck = new Map(); lane.size = []; lane.key = []; lane.most = 1;
  const plain = new Int32Array(lane.messages.length).fill(-1), copies = new Map(), slotIds = new Map(), shards = new Map(), last = [];
  const get = (c, o) => (c ? (c.values ? c.values[c.at[o]] : c.at[o]) : undefined);
  const whole = (c, o) => (c ? Number(get(c, o)) || 0 : 0);
  const columns = lane.kinds.map((_, code) => {                         // each field's column once, names of places as numbers
    const { copy, attempt, to, shard, arrive_us, offset, lsn, position, size_bytes, at_us, full, start_us, low, end_us, high, visible_until_us, until_us, key, group } = lane.fields[code];
    return { copy, attempt, shard, arrive_us, offset: offset ?? lsn ?? position, to, key, group, size: size_bytes, line: at_us, full,
      from: start_us ?? low, end: end_us ?? high, lease: visible_until_us ?? until_us,
      toIds: lane.kinds[code].v === PUT || lane.kinds[code].v === MOVE || lane.kinds[code].v === BURST
        ? to?.values?.map((name) => (name == null ? -1 : placeId(model, String(name)))) : null };
  });
  const shardPlace = (place, shard) => {
    const key = `${place} ${shard}`;
    if (!shards.has(key)) {
      const here = model.places[place], name = String(shard);
      const nested = `${here}/${name}`, known = (it) => model.placeIds.has(it), elsewhere = () => model.places.find((it) => it.endsWith(`/${name}`));
      const one = here === name || here.endsWith(`/${name}`) ? here : known(name) || name.includes("/") ? name : known(nested) ? nested : elsewhere() ?? nested;
      shards.set(key, placeId(model, one));
    }
    return shards.get(key);
  };
  const slotOf = (key, make) => {
    if (!slotIds.has(key)) slotIds.set(key, lane.slots.push(make()) - 1);
    return slotIds.get(key);
  };
  lane.axes = new Map(); lane.splits = [];
  const widen = (p, low, high) => { const axis = lane.axes.get(p); lane.axes.set(p, axis ? [Math.min(axis[0], low), Math.max(axis[1], high)] : [low, high]); };
  const words = (text) => String(text ?? "").split(/[\s,]+/).filter(Boolean);
  for (let i = 0; i < n; i++) {
    const k = lane.kinds[kind[i]], c = columns[kind[i]], p = lane.place[i], m = message[i], o = nth[i], v = k.v;
    if (m >= 0) {
      const copy = whole(c.copy, o);
      let e = copy ? copies.get(m * 65536 + copy) ?? -1 : plain[m];
      if (e < 0) {
        e = lane.copy.push(copy) - 1; lane.copyMessage.push(m); last.push(-1);
        if (copy) copies.set(m * 65536 + copy, e); else plain[m] = e;
      }
      lane.entity[i] = e;
      if (v === PUT || v === MOVE || v === ARRIVE) last[e] = i;
      lane.attempt[i] = whole(c.attempt, o);
      if (c.lease) lane.lease[i] = whole(c.lease, o);
      if (c.size) lane.size[e] = Math.max(lane.size[e] ?? 0, whole(c.size, o));
    }
    if (k.set | k.clear) lane.struck.set(i, k.at ? String(field(lane, i, k.at) ?? "").split(",").map((name) => placeId(model, name.trim())) : [p]);
    const to = c.toIds ? c.toIds[c.to.at[o]] : -1;
    if (v === PUT || v === MOVE || v === BURST) {
      const shard = to < 0 && v !== BURST ? get(c.shard, o) : undefined;
      if (to >= 0) lane.target[i] = to;
      else if (shard != null && v === PUT) lane.target[i] = shardPlace(p, shard);
      else if (shard != null) lane.origin[i] = shardPlace(p, shard);    // a reader draws records out of a shard
      if (v === PUT) lane.offset[i] = c.offset ? Number(get(c.offset, o) ?? -1) : -1;
      if (v === PUT && m >= 0 && lane.offset[i] >= 0 && c.key) lane.key[lane.entity[i]] = String(get(c.key, o));
      if (v === MOVE) { const arrive = get(c.arrive_us, o); if (arrive > lane.time[i]) lane.until[i] = arrive; }
    } else if (v === TOUCH || v === SKIP) {
      const file = field(lane, i, "file"), page = field(lane, i, "page") ?? field(lane, i, "block");
      lane.slot[i] = slotOf(`t${p} ${file} ${page}`, () => ({ type: "tile", place: p, file, page }));
    } else if (v === LINE) { lane.slot[i] = slotOf(`l${p}`, () => ({ type: "line", place: p })); widen(p, whole(c.line, o), whole(c.line, o)); }
    else if (v === OPEN) {
      const key = field(lane, i, "key"), from = c.from ? whole(c.from, o) : null, end = c.end ? whole(c.end, o) : null;
      lane.slot[i] = slotOf(`w${p} ${key} ${from}`, () => ({ type: "window", place: p, key, from, end }));
      if (from !== null) widen(p, from, end); else lane.most = Math.max(lane.most, whole(c.size, o));
    } else if (v === MEASURE && get(c.full, o) > 0) lane.slot[i] = slotOf(`g${p} ${field(lane, i, "name")}`, () => ({ type: "gauge", place: p }));
    else if (v === SPLIT) {
      const born = words(field(lane, i, "children")).map((name) => shardPlace(p, name));
      lane.splits.push({ row: i, born, gone: words(field(lane, i, "parents")).map((name) => shardPlace(p, name)).filter((q) => !born.includes(q)) });
    }
    if (k.caret) {                                                      // a position under a tape: of a place, or of its group
      const at = shardPlace(p, get(c.shard, o)), who = k.caret === "owner" ? "" : String(get(c.group, o) ?? model.places[p]);
      lane.slot[i] = slotOf(`c${k.caret} ${who} ${at}`, () => ({ type: "caret", what: k.caret, place: at, who }));
    }
  }
  lane.lastPlacing = Int32Array.from(last);
  lane.entities = lane.copy.length;
}

/** A state in which nothing has happened. The last place of `head`, `tail`, `count` is the road: copies on their way. */
export function blank(lane) {
  const E = lane.entities, P = lane.places.length, S = lane.slots.length;
  const all = new Int32Array(TOTALS + 8 * E + (12 + lane.states.length) * (P + 1) + S);
  let from = 0;
  const take = (size) => all.subarray(from, (from += size)), copies = () => take(E), places = () => take(P + 1);
  const s = { all, total: take(TOTALS), flags: copies(), at: copies(), move: copies(), lease: copies(), passed: copies(), prev: copies(), next: copies(), lostAt: copies(),
    head: places(), tail: places(), count: places(), here: places(), served: places(), done: places(), skipped: places(), lost: places(), refused: places(), unmatched: places(), tape: places(), bits: places(),
    since: lane.states.map(places),                                     // the row by which a place came into each of its states
    slot: take(S),                                                      // the last row about each tile, caret, window, line, level
    road: P };
  return s;                                                             // rows and entities are kept plus one: 0 = none
}

function unlink(s, e) {
  const p = s.at[e] - 1;
  if (p < 0) return;
  const a = s.prev[e], b = s.next[e];
  if (a) s.next[a - 1] = b; else { s.head[p] = b; s.served[p]++; }     // served: how often the first in line went
  if (b) s.prev[b - 1] = a; else s.tail[p] = a;
  s.at[e] = s.prev[e] = s.next[e] = s.lease[e] = 0; s.count[p]--; s.total[SHOWN]--;
  if ((s.flags[e] & 15) !== WAITING) s.here[p]--;
  s.flags[e] &= ~15;
}

function link(s, e, p, status) {
  const t = s.tail[p];
  s.prev[e] = t; s.next[e] = 0; s.at[e] = p + 1; s.tail[p] = e + 1; s.count[p]++; s.total[SHOWN]++;
  if (t) s.next[t - 1] = e + 1; else s.head[p] = e + 1;
  if (status !== WAITING) s.here[p]++;                                  // at the place, but not stored in it
  s.passed[e] = 0;
  s.flags[e] = (s.flags[e] & ~15) | status;
}

/** Apply row `i` to the state. Returns what became of a move: "echo" if the copy itself stays where it is stored. */
export function apply(lane, s, i) {
  const k = lane.kinds[lane.kind[i]], v = k.v, e = lane.entity[i], p = lane.place[i], to = lane.target[i];
  s.total[ROWS] = i + 1;
  if (lane.slot[i] >= 0) s.slot[lane.slot[i]] = i + 1;
  if (k.set | k.clear) for (const q of lane.struck.get(i)) {
    s.bits[q] = (s.bits[q] & ~k.clear) | k.set;
    lane.states.forEach((one, n) => { if (k.set & one.bit) s.since[n][q] = i + 1; });
  }
  if (v === PUT && lane.offset[i] >= 0) s.tape[to] = Math.max(s.tape[to], lane.offset[i] + 1);
  else if (v === PUT && e < 0) s.tape[to]++;
  if (e < 0) { if (v === TAKE) s.done[p]++; return ""; }

  const attempt = lane.attempt[i], before = s.flags[e] >>> ATTEMPT;
  if (!(s.flags[e] & SEEN) ? attempt > 1 || k.strikes : attempt > 1 && attempt > before) {
    s.total[AGAINS]++; s.flags[e] |= AGAIN;
  }
  s.flags[e] |= SEEN;
  if (k.hole) { s.flags[e] = (s.flags[e] & ~(3 << HOLE)) | (k.hole << HOLE); s.move[e] = i + 1; }
  if (attempt > before) s.flags[e] = (s.flags[e] & 0xffff) | (attempt << ATTEMPT);
  const account = (s.flags[e] >> 4) & 15, stored = account === STORED, settled = account !== 0 && account !== IN_FLIGHT && !stored;
  if (account && account === k.unless && attempt > 1) return "";        // work for nothing: it was done on the way there
  if (k.a) {
    if (account) s.total[account]--; else s.total[OFFERED]++;
    s.total[k.a]++; s.flags[e] = (s.flags[e] & ~0xf0) | (k.a << 4);
  }
  const status = s.flags[e] & 15, towards = status === MOVING ? lane.target[s.move[e] - 1] : s.at[e] - 1;
  let lent = 0;
  switch (v) {
    case PUT:
      lent = s.lease[e];
      if (s.lostAt[e] === to + 1) { s.lost[to]--; s.lostAt[e] = 0; }    // it was lost here, and is here again
      unlink(s, e); link(s, e, to, k.a === IN_FLIGHT ? HERE : WAITING);
      if (k.a === IN_FLIGHT) s.lease[e] = lent;                         // who starts on it has it on loan still
      break;
    case MOVE:
      if (!k.a && (settled || (stored && status !== MOVING))) return "echo";   // word of it travels, not the copy itself
      if (!k.a && status !== ABSENT && towards !== p) return "echo";       // a late worker's word: another has the copy
      unlink(s, e); link(s, e, s.road, MOVING); s.move[e] = i + 1;
      if (lane.lease[i]) s.lease[e] = i + 1;
      break;
    case ARRIVE:
      if (status === MOVING ? towards !== p : status !== ABSENT) break;
      lent = s.lease[e];
      unlink(s, e);
      if (lane.lastPlacing[e] !== i || account) { link(s, e, p, HERE); s.lease[e] = lent; }   // else its story ends here
      break;
    case TAKE:
      unlink(s, e);
      if (s.passed[e] !== p + 1) s.done[p]++;
      s.passed[e] = 0;
      break;
    case BOUNCE:
      s.refused[p]++;
      if (k.a) unlink(s, e);
      else if (status === MOVING && towards === p) { unlink(s, e); link(s, e, lane.origin[s.move[e] - 1], HERE); }
      break;
    case BURST:
      if (k.a && k.a !== SET_ASIDE) { s.lost[p]++; s.lostAt[e] = p + 1; }   // an answer that is lost is no message
      if (k.a || !stored) unlink(s, e);
      if (to !== p) link(s, e, to, DEAD);                               // set aside, where it can be seen
      break;
    case FADE:
      if (k.a === UNMATCHED) s.unmatched[p]++;
      if (k.passes && status !== ABSENT && towards === p) { s.skipped[p]++; s.passed[e] = p + 1; }
      if (k.a || (!stored && towards === p)) unlink(s, e);              // word of a copy elsewhere takes nothing away
      break;
    case MARK:
      if (k.role === "late") s.flags[e] |= LATE;
      if (lane.lease[i] && s.lease[e]) s.lease[e] = i + 1;              // lent for longer
  }
  return "";
}

/** Bring `s` to "the first `rows` rows applied": forward by applying, backward from the nearest checkpoint. */
export function seek(lane, s, rows) {
  rows = Math.max(0, Math.min(lane.n, rows));
  const now = s.total[ROWS], mark = Math.min(Math.floor(rows / EVERY), lane.marks.length - 1);
  if (rows < now || mark * EVERY > now) s.all.set(lane.marks[mark]);
  for (let i = s.total[ROWS]; i < rows; i++) apply(lane, s, i);
  return s;
}

/** The conservation ledger: offered and its eight accounts. */
export function balance(s) {
  const b = { offered: s.total[OFFERED] };
  ACCOUNTS.forEach((name, i) => { b[name] = s.total[i + 1]; });
  return b;
}

/** Done, done again, lost: counts of copies. Lost is what the ledger has as dropped or expired: an answer that is lost is no message, and what concerns nobody is not lost. */
export const counters = (s) => ({ done: s.total[DONE], skipped: s.skipped.reduce((sum, n) => sum + n, 0), again: s.total[AGAINS], lost: lostOf(s), unmatched: s.total[UNMATCHED] });
export const lostOf = (s) => s.total[DROPPED] + s.total[EXPIRED];

/** The outline that copy `e` is: 0 for none, else its place in HOLES plus one. */
export const holeOf = (s, e) => (s.flags[e] >> HOLE) & 3;

/** The copies at place `p`, the first to leave first. */
export function* copiesAt(s, p) { for (let e = s.head[p]; e; e = s.next[e - 1]) yield e - 1; }
