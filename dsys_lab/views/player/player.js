// The player: a run, shown. One plain ES module, no imports, no build step.
//
// A run arrives as one container of bytes (pack.py says how it is laid out). Its rows are folded into a state; the state
// is laid out as places with messages in them, and drawn. Nothing is remembered between two pictures but the state,
// so a picture is a function of (rows applied, moment): scrubbing back shows exactly what playing forward showed.
//
//   1  decode      bytes -> model: lanes of typed columns over one table of places
//   2  words       a row as a sentence, durations for people
//   3  fold        compile rows to operations; state; apply; checkpoints; seek
//   4  timeline    the one pass over a run: series, flows, peaks, ghosts; steps over all lanes
//   5  layout      places and flows -> boxes and links
//   6  draw        boxes, discs, effects, ledger, strips
//   7  controls    the page around the canvas: keys, buttons, follow, fork
//   8  host        `render` for a notebook, `staticModel` for a page without a kernel
//
// Sections 1 to 5 are pure and exported for tests.

// ---------------------------------------------------------------------------------------------------------- 1 decode
export const MAGIC = "DSYSRUN1";
const TYPES = { f64: Float64Array, i32: Int32Array, u16: Uint16Array, u8: Uint8Array };
const VERBS = ["put", "take", "move", "arrive", "bounce", "burst", "fade", "touch", "skip", "open", "split", "mark",
  "line", "measure", "say"];
const [PUT, TAKE, MOVE, ARRIVE, BOUNCE, BURST, FADE, TOUCH, SKIP, OPEN, SPLIT, MARK, LINE, MEASURE, SAY] = VERBS.keys();
export const ACCOUNTS = ["done", "stored", "in flight", "dropped", "expired", "dead", "rejected"];
const [DONE, STORED, IN_FLIGHT, DROPPED, EXPIRED] = ACCOUNTS.map((_, i) => i + 1);

/** Bytes -> model. Throws an Error whose message is a sentence for the reader. */
export function decode(raw) {
  const buffer = asBuffer(raw), bytes = new Uint8Array(buffer);
  if (!bytes.length) throw new Error("There is no run to show yet.");
  if (bytes.length < 16 || String.fromCharCode(...bytes.subarray(0, 8)) !== MAGIC)
    throw new Error(`These ${bytes.length} bytes are not a packed run: they do not begin with ${MAGIC}.`);
  const size = new DataView(buffer).getUint32(8, true), base = Math.ceil((16 + size) / 8) * 8;
  let head;
  try {
    head = JSON.parse(new TextDecoder().decode(bytes.subarray(16, 16 + size)));
  } catch {
    throw new Error("The packed run is damaged: its header cannot be read.");
  }
  if (head.schema !== 1) throw new Error(`This player reads schema 1 of packed runs, not ${head.schema}.`);
  const column = ([type, offset, values], n) => {
    if (base + offset + n * TYPES[type].BYTES_PER_ELEMENT > bytes.length)
      throw new Error("The packed run is damaged: it ends before its last column.");
    return { at: new TYPES[type](buffer, base + offset, n), values: values ?? null };
  };
  const states = Object.entries(head.states).map(([name, state], i) => ({ name, ...state, bit: 1 << i }));
  const bitsOf = (names) => states.reduce((sum, one) => sum | (names.includes(one.name) ? one.bit : 0), 0);
  const kinds = head.kinds.map((kind) => ({ ...kind, v: VERBS.indexOf(kind.verb), a: ACCOUNTS.indexOf(kind.account) + 1,
    unless: ACCOUNTS.indexOf(kind.unless) + 1, set: bitsOf([kind.state]), clear: bitsOf(kind.ends) }));
  const model = { head, kinds, states, faulty: states.reduce((sum, one) => sum | (one.fault ? one.bit : 0), 0), places: [], placeIds: new Map(), lanes: [] };
  for (const h of head.lanes) model.lanes.push(laneOf(model, h, column));
  model.lanes.forEach((lane, i) => { lane.title = head.titles?.[i] || lane.header.title || lane.header.scenario || ""; });
  model.rows = model.lanes.reduce((sum, lane) => sum + lane.n, 0);
  const times = model.lanes.filter((lane) => lane.n).map((lane) => lane.time[0]);
  model.end = Math.max(0, ...model.lanes.map((lane) => lane.end));
  const first = times.length ? Math.min(...times) : 0;
  model.start = first > model.end / 2 ? first : Math.min(0, first);     // a lone far moment is not drawn as a long wait
  return model;
}

function asBuffer(raw) {
  if (!raw) return new ArrayBuffer(0);
  if (typeof raw === "string") {                                        // a page without a kernel carries text
    const text = atob(raw), bytes = new Uint8Array(text.length);
    for (let i = 0; i < bytes.length; i++) bytes[i] = text.charCodeAt(i);
    return bytes.buffer;
  }
  // A view handed over by Jupyter is a window into a larger message at any offset: copy once, then columns are aligned.
  return raw instanceof ArrayBuffer ? raw : raw.buffer.slice(raw.byteOffset, raw.byteOffset + raw.byteLength);
}

function placeId(model, name) {
  let id = model.placeIds.get(name);
  if (id === undefined) { id = model.places.push(name) - 1; model.placeIds.set(name, id); }
  return id;
}

function laneOf(model, h, column) {
  const n = h.rows, kind = column(h.kind, n).at, where = column(h.place, n), message = column(h.message, n);
  const ids = where.values.map((name) => placeId(model, name));
  const lane = { n, end: h.end_us, header: h.header, lamps: h.lamps, kinds: model.kinds, states: model.states, places: model.places, kind,
    time: column(h.time, n).at, place: Int32Array.from(where.at, (p) => ids[p]), message: message.at,
    messages: message.values, nth: new Int32Array(n), fields: model.kinds.map(() => ({})) };
  const seen = new Int32Array(model.kinds.length);
  for (let i = 0; i < n; i++) lane.nth[i] = seen[kind[i]]++;            // which row of its kind: fields are dense by kind
  lane.rowsOfKind = seen;
  model.kinds.forEach((k, code) => {
    const packed = h.fields[k.name];
    for (const name in packed?.names) lane.fields[code][name] = column(packed.names[name], packed.rows);
  });
  compile(model, lane);
  return lane;
}

/** One field of row `i`, or undefined. */
export function field(lane, i, name) {
  const c = lane.fields[lane.kind[i]][name];
  if (!c) return undefined;
  const x = c.at[lane.nth[i]];
  return c.values ? c.values[x] ?? undefined : Number.isNaN(x) ? undefined : x;
}

/** Row `i` as {seq, time_us, kind, place, message, fields}. */
export function row(lane, i) {
  const fields = {};
  for (const name in lane.fields[lane.kind[i]]) { const x = field(lane, i, name); if (x !== undefined) fields[name] = x; }
  return { seq: i, time_us: lane.time[i], kind: lane.kinds[lane.kind[i]].name, place: lane.places[lane.place[i]],
    message: lane.message[i] < 0 ? null : lane.messages[lane.message[i]], fields };
}

// ----------------------------------------------------------------------------------------------------------- 2 words
const clamp = (x, low, high) => Math.max(low, Math.min(high, x));
const trim = (x, digits) => String(Number(x.toPrecision(digits)));

/** Microseconds for people: 20 ms, 1.5 s, 2 min 5 s. */
export function duration(us) {
  const x = Math.abs(us), sign = us < 0 ? "-" : "";
  if (x < 1e3) return `${sign}${trim(x, 3)} µs`;
  if (x < 999.5e3) return `${sign}${trim(x / 1e3, 3)} ms`;
  if (x < 60e6) return `${sign}${trim(x / 1e6, 3)} s`;
  const s = Math.round(x / 1e6), h = Math.floor(s / 3600), min = Math.floor((s % 3600) / 60), rest = s % 60;
  return sign + [h && `${h} h`, min && `${min} min`, !h && rest && `${rest} s`].filter(Boolean).join(" ");
}

/** A field's value in words; its unit is the end of its name. */
export function value(name, x) {
  if (x === undefined || x === null) return "none";
  if (typeof x === "boolean") return x ? "yes" : "no";
  if (typeof x !== "number") return String(x);
  if (name.endsWith("_us")) return duration(x);
  if (Number.isInteger(x)) return Math.abs(x) < 1e4 ? String(x) : String(x).replace(/\B(?=(\d{3})+$)/g, ",");
  return trim(x, 4);
}

/** What row `i` means, in one sentence. */
export function describe(lane, i) {
  if (i < 0) return "Nothing has happened yet";
  const kind = lane.kinds[lane.kind[i]];
  return kind.sentence.replace(/\{(\w+)\}/g, (_, name) =>
    name === "place" ? lane.places[lane.place[i]]
      : name === "message" ? (lane.message[i] < 0 ? "a message" : lane.messages[lane.message[i]])
        : value(name, field(lane, i, name)));
}

const tenths = (us) => Math.round(us / 1e5);                           // rounded first: 59.96 s is a minute, not 60.0 s of the one before
export const clock = (us, span) => (tenths(us) >= 600 && span >= 120e6 ? `${Math.floor(tenths(us) / 600)} min ${((tenths(us) % 600) / 10).toFixed(1)} s`
  : span >= 2e6 ? `${(us / 1e6).toFixed(span >= 20e6 ? 1 : 2)} s` : span >= 2e3 ? `${(us / 1e3).toFixed(2)} ms` : `${us} µs`);
const plural = (n, one) => `${n.toLocaleString("en-US")} ${one}${n === 1 ? "" : "s"}`;

// ------------------------------------------------------------------------------------------------------------ 3 fold
// The thing that moves is a *copy*: (message, fields.copy or 0). Compiling gives each row the numbers that `apply` needs.
// State is one Int32Array with named windows into it, so that a checkpoint is one memory copy.
const ABSENT = 0, WAITING = 1, HERE = 2, MOVING = 3, DEAD = 4;
const AGAIN = 1 << 8, LATE = 1 << 9, SEEN = 1 << 10, ATTEMPT = 16;      // flags: status | account << 4 | … | attempt << 16
const ROWS = 0, OFFERED = 8, AGAINS = 9, ASTRAY = 10, SHOWN = 11, TOTALS = 12;   // totals[1..7]: the accounts
export const EVERY = 1024;                                              // rows between two checkpoints

function compile(model, lane) {
  const { n, kind, message, nth } = lane;
  lane.copy = []; lane.copyMessage = []; lane.slots = [];
  lane.entity = new Int32Array(n).fill(-1); lane.target = Int32Array.from(lane.place); lane.origin = Int32Array.from(lane.place);
  lane.until = Float64Array.from(lane.time); lane.attempt = new Uint16Array(n); lane.offset = new Float64Array(n).fill(-1); lane.lease = new Float64Array(n);
  lane.slot = new Int32Array(n).fill(-1); lane.struck = new Map(); lane.size = []; lane.most = 1;
  const plain = new Int32Array(lane.messages.length).fill(-1), copies = new Map(), slotIds = new Map(), shards = new Map(), last = [];
  const get = (c, o) => (c ? (c.values ? c.values[c.at[o]] : c.at[o]) : undefined);
  const whole = (c, o) => (c ? Number(get(c, o)) || 0 : 0);
  const columns = lane.kinds.map((_, code) => {                         // each field's column once, names of places as numbers
    const { copy, attempt, to, shard, arrive_us, offset, lsn, position, size_bytes, at_us, full, start_us, low, end_us, high, visible_until_us, until_us } = lane.fields[code];
    return { copy, attempt, shard, arrive_us, offset: offset ?? lsn ?? position, commit: offset, to, size: size_bytes, line: at_us, full,
      from: start_us ?? low, end: end_us ?? high, lease: visible_until_us ?? until_us,
      toIds: lane.kinds[code].v === PUT || lane.kinds[code].v === MOVE || lane.kinds[code].v === BURST
        ? to?.values?.map((name) => (name == null ? -1 : placeId(model, String(name)))) : null };
  });
  const shardPlace = (place, shard) => {
    const key = `${place} ${shard}`;
    if (!shards.has(key)) {
      const here = model.places[place], name = String(shard);
      const one = here === name || here.endsWith(`/${name}`) ? here : model.placeIds.has(name) || name.includes("/") ? name : `${here}/${name}`;
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
    } else if (v === MARK && c.commit && c.shard) {
      const at = shardPlace(p, get(c.shard, o));
      lane.slot[i] = slotOf(`c${p} ${at}`, () => ({ type: "caret", place: at, reader: p }));
    }
  }
  lane.lastPlacing = Int32Array.from(last);
  lane.entities = lane.copy.length;
}

/** A state in which nothing has happened. The last place of `head`, `tail`, `count` is the road: copies on their way. */
export function blank(lane) {
  const E = lane.entities, P = lane.places.length, S = lane.slots.length;
  const all = new Int32Array(TOTALS + 6 * E + (10 + lane.states.length) * (P + 1) + S);
  let from = 0;
  const take = (size) => all.subarray(from, (from += size)), copies = () => take(E), places = () => take(P + 1);
  const s = { all, total: take(TOTALS), flags: copies(), at: copies(), move: copies(), lease: copies(), prev: copies(), next: copies(),
    head: places(), tail: places(), count: places(), here: places(), served: places(), done: places(), lost: places(), refused: places(), tape: places(), bits: places(),
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
      unlink(s, e); s.done[p]++;
      break;
    case BOUNCE:
      s.refused[p]++;
      if (k.a) unlink(s, e);
      else if (status === MOVING && towards === p) { unlink(s, e); link(s, e, lane.origin[s.move[e] - 1], HERE); }
      break;
    case BURST:
      s.lost[p]++;
      if (!k.a) s.total[ASTRAY]++;
      if (k.a || !stored) unlink(s, e);
      if (to !== p) link(s, e, to, DEAD);                               // set aside, where it can be seen
      break;
    case FADE:
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

/** The conservation ledger: offered and its seven accounts. */
export function balance(s) {
  const b = { offered: s.total[OFFERED] };
  ACCOUNTS.forEach((name, i) => { b[name] = s.total[i + 1]; });
  return b;
}

/** Done, done again, lost: counts of copies. Lost is what was dropped, expired, or never came through the network. */
export const counters = (s) => ({ done: s.total[DONE], again: s.total[AGAINS], lost: lostOf(s) });
const lostOf = (s) => s.total[DROPPED] + s.total[EXPIRED] + s.total[ASTRAY];

/** The copies at place `p`, the first to leave first. */
export function* copiesAt(s, p) { for (let e = s.head[p]; e; e = s.next[e - 1]) yield e - 1; }

// -------------------------------------------------------------------------------------------------------- 4 timeline
/** The one pass over a lane: checkpoints, series for the strips, flows between places, peaks, ghosts, what to open at. */
export function timeline(model, lane) {
  const s = blank(lane), P = model.places.length, perPlace = () => new Int32Array(P + 1);
  lane.marks = []; lane.flights = []; lane.faultSpans = []; lane.ghosts = []; lane.flows = new Map(); lane.leaving = lane.longestFlight = 0;
  lane.used = perPlace(); lane.trays = perPlace(); lane.tapes = perPlace(); lane.grids = perPlace(); lane.axisAt = perPlace(); lane.tubes = perPlace();
  lane.peak = perPlace(); lane.stored = perPlace(); lane.room = perPlace(); lane.tileCount = perPlace(); lane.fileCount = perPlace();
  lane.stood = new Uint8Array(lane.n); lane.record = new Int32Array(lane.entities).fill(-1); lane.bornAt = new Map(); lane.goneAt = new Map();
  const files = new Set();
  for (const { type, place: p, file } of lane.slots) {
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
    else if (k.v === MARK) lane.used[p] |= 1;
    else if (k.v !== MEASURE && k.v !== SAY) { lane.used[p] |= 3; lane.used[to] |= 3; lane.used[lane.origin[i]] |= 3; }
    const echo = apply(lane, s, i), moved = e >= 0 && (s.at[e] - 1 !== was || k.v === TAKE);
    if (e >= 0 && lane.stood[i] && !s.at[e]) lane.leaving++;
    if (k.v === MOVE) {
      flow(lane.origin[i], to, i);
      if (e < 0 || echo) { lane.flights.push(i); lane.longestFlight = Math.max(lane.longestFlight, lane.until[i] - lane.time[i]); }
    } else if (moved && from !== to && k.v !== MARK) { flow(from, p, i); flow(p, to, i); }
    if (k.v === MARK && lane.slot[i] >= 0) flow(lane.slots[lane.slot[i]].place, p, i);   // who keeps a position reads from there
    if (k.v === PUT) {
      if (lane.offset[i] >= 0) { lane.tapes[to] = 1; if (e >= 0) lane.record[e] = lane.offset[i]; }
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
  lane.final = balance(s); lane.strips = stripsOf(model, lane, series);
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

/** The names of at most three strips for all lanes: those with a reference first, a derived one only if it ever moves. */
export function stripNames(lanes) {
  const names = [];
  const add = (name) => { if (!names.includes(name)) names.push(name); };
  const all = lanes.flatMap((lane) => lane.strips);
  const moves = (strip) => strip.lines.some((line) => line.y.some((y) => y !== 0));
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

// ---------------------------------------------------------------------------------------------------------- 5 layout
const PAD = 14, EXIT = 40, FALL = 34, TITLE = 20, FOOT = 18, CELL = 28, CELL_MIN = 5, TUBE = 12;
const natural = new Intl.Collator("en", { numeric: true }).compare;

/**
 * What the layout needs to know of all lanes together, so that a place stands at the same spot in each.
 * `memory` (name pairs -> order) keeps the flows of earlier runs, so that a slider does not move the furniture.
 */
export function graphOf(model, memory = new Map()) {
  const P = model.places.length, sum = (of) => Int32Array.from({ length: P + 1 }, (_, p) => Math.max(0, ...model.lanes.map((lane) => of(lane)[p] || 0)));
  const graph = { names: model.places, tiles: sum((l) => l.tileCount), files: sum((l) => l.fileCount), peak: sum((l) => l.peak), stored: sum((l) => l.stored),
    tray: sum((l) => l.trays), tape: sum((l) => l.tapes), grid: sum((l) => l.grids), axis: sum((l) => l.axisAt), tubes: sum((l) => l.tubes), used: sum((l) => l.used),
    edges: [], nodes: new Map() };
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
const parentOf = (id) => id.slice(0, Math.max(0, id.lastIndexOf("/")));
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
      peak: places.reduce((sum, p) => sum + graph.peak[p], 0), tubes: one ? graph.tubes[places[0]] : 0, focus: zoom !== "", col: 0, row: 0,
      idle: places.every((p) => !(graph.used[p] & 2)), tiles: places.reduce((sum, p) => sum + graph.tiles[p], 0), files: places.reduce((sum, p) => sum + graph.files[p], 0) };
  });
  if (zoom && graph.nodes.has(zoom)) boxes.push(...neighbours(graph, boxes));
  boxes.forEach((box, b) => { for (const p of box.places) boxOf[p] = b; });
  const edges = new Map();
  for (const [a, b] of graph.edges) {
    const x = boxOf[a], y = boxOf[b];
    if (x >= 0 && y >= 0 && x !== y) edges.set(x * 1024 + y, [x, y]);
  }
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

/** Cause left, effect right: layers by the longest way, over the flows in the order seen, without those that lead back. */
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
  const inCol = new Map();
  boxes.forEach((box, b) => { if (!inCol.has(box.col)) inCol.set(box.col, []); inCol.get(box.col).push(b); });
  [...inCol.keys()].sort((x, y) => x - y).forEach((c, rank) => {
    const list = inCol.get(c), mean = (b) => (into[b].length ? into[b].reduce((sum, a) => sum + boxes[a].row, 0) / into[b].length : 0);
    const kin = new Map(), kinOf = (b) => partOf(boxes, boxes[b]) || stem(boxes[b].id);   // those of one part or stem stay together, in natural order
    for (const b of list) { const name = kinOf(b); kin.set(name, [...(kin.get(name) ?? []), mean(b)]); }
    const key = (b) => { const means = kin.get(kinOf(b)); return means.reduce((x, y) => x + y, 0) / means.length; };
    list.sort((x, y) => key(x) - key(y) || natural(kinOf(x), kinOf(y)) || natural(boxes[x].id, boxes[y].id));
    list.forEach((b, i) => { boxes[b].row = i - (list.length - 1) / 2; boxes[b].col = rank; boxes[b].rank = i; boxes[b].of = list.length; });
  });
}

const ROWS_MOST = 6.5, MARGIN = 9;                                      // boxes below each other in a column; of a frame round its boxes

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
  const weight = (box) => (box.aside ? 0.8 : small(box) ? (box.focus ? 2 : 1) : box.focus || box.files > 1 || box.kind === "axis" ? 4 : 2.5);
  const most = (box) => (box.aside ? 110 : small(box) ? (box.focus ? 300 : 128) : box.focus ? 760 : 460);
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
    if (box.kind === "tape") return 70;
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
  if (!lay.height) lay.height = Math.round(clamp(Math.max(...cols.map((col) => col.wish + col.fixed)) + PAD + FALL, 150, lay.boxes.some((box) => box.id.includes("/")) ? 540 : 440));
  const high = lay.height - PAD - FALL;                                 // what is lost falls below the boxes
  for (const [c, col] of cols.entries()) {
    const scale = Math.min(1, (high - col.fixed) / col.wish), slot = wide[c] / col.across;
    const used = col.rows.reduce((sum, row) => sum + Math.max(12, row.wish * scale), col.fixed), between = clamp((high - used) / Math.max(1, col.rows.length), 0, 26);
    let y = PAD / 2 + (high - used - between * (col.rows.length - 1)) / 2;
    for (const { block, boxes, wish, over, under, after } of col.rows) {
      if (block.framed && over > TITLE) lay.frames.push(block.frame = { label: block.parent, x: x - MARGIN, y: y, w: wide[c] + 2 * MARGIN, h: 0 });
      boxes.forEach((box, i) => {
        const own = block.framed ? wide[c] / Math.min(col.across, boxes.length) : slot;
        const w = Math.min(own - (col.across > 1 ? 8 : 0), most(box)), left = x + own * i;
        Object.assign(box, { x: left + (own - w) / 2, y: y + over, w, h: Math.max(12, wish * scale), room: col.across > 1 ? w : w + gap * 0.8 });
        box.tight = col.across > 1;
        if (block.framed) box.label = box.id.slice(block.parent.length + 1);
        seats(box);
      });
      y += over + Math.max(12, wish * scale) + under;
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
function linkOf(lay, a, b) {
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

// ------------------------------------------------------------------------------------------------------------ 6 draw
const TAU = 2 * Math.PI, FONT = "system-ui, -apple-system, 'Segoe UI', Roboto, 'DejaVu Sans', sans-serif";
const STRIP = 50, LEDGER = 44, LEGEND = 17;
const STYLES = 6, ST_WAIT = 0, ST_HERE = 1, ST_MOVE = 2, ST_DEAD = 3, ST_LATE = 4, ST_WORD = 5;
const font = (size, weight = 400) => `${weight} ${size}px ${FONT}`;
const count = (x) => x.toLocaleString("en-US");

/** The colours of the host's theme, read once: asking the stylesheet in every frame would cost more than drawing. */
function paletteOf(root) {
  const css = getComputedStyle(root), get = (name) => css.getPropertyValue(`--dp-${name}`).trim();
  const names = ["bg", "stage", "fg", "soft", "line", "box", "edge", "band", "waiting", "waiting-fill", "waiting-ink", "moving",
    "moving-ink", "done", "done-ink", "again", "again-ink", "lost", "lost-ink", "late", "law", "useful", "unused", "skipped"];
  return Object.fromEntries(names.map((name) => [name, get(name)]));
}

/** What is drawn of one lane: its canvas, its state, and where each copy stood in the last frame. */
function sceneOf(lane, canvas) {
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

/** The lower part of a lane: how high it is, and the curves, drawn once. */
function prepare(view, scene, least = 0) {
  const { canvas, lane } = scene, ratio = view.ratio, W = scene.W, lay = view.lay;
  const legend = (view.live ? ACCOUNTS : view.accounts).length * 104 > W - 2 * PAD ? 2 : 1;
  scene.bottom = lay.height + (view.offered ? LEDGER + legend * LEGEND : 6);
  scene.H = Math.max(least, scene.bottom + view.strips.length * STRIP + (view.strips.length ? 8 : 0));
  canvas.width = Math.round(W * ratio); canvas.height = Math.round(scene.H * ratio); canvas.style.height = `${scene.H}px`;
  scene.still = offscreen(W, lay.height, ratio, (g) => drawStage(view, g, lane));
  scene.curves = offscreen(W, Math.max(1, view.strips.length * STRIP), ratio, (g) => drawCurves(view, scene, g));
}

function offscreen(width, height, ratio, paint) {
  const canvas = document.createElement("canvas");
  canvas.width = Math.max(1, Math.round(width * ratio)); canvas.height = Math.max(1, Math.round(height * ratio));
  const g = canvas.getContext("2d");
  g.setTransform(ratio, 0, 0, ratio, 0, 0); paint(g);
  return canvas;
}

/** What does not change while a run plays: links, boxes, titles, frames of groups. */
function drawStage(view, g, lane) {
  const { lay, palette: c } = view;
  g.lineCap = g.lineJoin = "round";
  drawFrames(view, g);
  const many = lay.links.length > 24;
  for (const l of lay.links) {
    g.globalAlpha = many ? 0.45 : 1; g.strokeStyle = g.fillStyle = c.line; g.lineWidth = 1.5; g.setLineDash(lay.boxes[l.a].col >= lay.boxes[l.b].col ? [3, 4] : []);
    g.beginPath(); g.moveTo(l.x0, l.y0); g.quadraticCurveTo(l.cx, l.cy, l.x1, l.y1); g.stroke(); g.setLineDash([]);
    const a = Math.atan2(l.y1 - l.cy, l.x1 - l.cx);
    g.beginPath(); g.moveTo(l.x1, l.y1);
    g.lineTo(l.x1 - 7 * Math.cos(a - 0.42), l.y1 - 7 * Math.sin(a - 0.42)); g.lineTo(l.x1 - 7 * Math.cos(a + 0.42), l.y1 - 7 * Math.sin(a + 0.42));
    if (!many) g.fill();
  }
  g.globalAlpha = 1;
  for (const box of lay.boxes) {
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

/** How many a box may hold in this lane, 0 if that is not known. */
const roomOf = (box, lane) => (box.kind === "tray" && box.places.length === 1 ? lane.room?.[box.places[0]] ?? 0 : 0);

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
function drawFrames(view, g) {
  const { lay, palette: c } = view;
  for (const { label, x, y, w, h } of lay.frames) {
    g.strokeStyle = c.line; g.fillStyle = c.bg; g.lineWidth = 1.25; g.beginPath(); g.roundRect(x, y, w, h, 12); g.fill(); g.stroke();
    g.textAlign = "left"; g.textBaseline = "alphabetic"; g.font = font(11.5, 600); g.fillStyle = c.soft; g.fillText(fit(g, label, w - 16), x + 9, y + 15);
  }
}

function fit(g, text, width) {
  if (g.measureText(text).width <= width) return text;
  let n = text.length;
  while (n > 1 && g.measureText(text.slice(0, n) + "…").width > width) n--;
  return text.slice(0, n) + "…";
}

/** One frame of one lane at the moment `T`; `ease` is how far discs go on towards their place (1: at once). */
function draw(view, scene, T, ease) {
  const { g, W, H, s, lane } = scene, { lay, palette: c, ratio } = view;
  g.setTransform(ratio, 0, 0, ratio, 0, 0);
  g.fillStyle = c.stage; g.fillRect(0, 0, W, H);
  g.drawImage(scene.still, 0, 0, W, lay.height);
  g.lineCap = g.lineJoin = "round"; g.textBaseline = "alphabetic";
  scene.frame++; scene.now = T; scene.leases.length = 0;
  for (const list of scene.styles) list.length = 0;
  scene.rings.length = scene.named.length = 0;
  for (const box of lay.boxes) drawInside(view, scene, box, T, ease);
  gatherRoad(view, scene, T, ease);
  if (view.follow) drawTrail(view, scene);
  drawDiscs(view, scene);
  const tags = drawEffects(view, scene, T);
  for (const box of lay.boxes) drawOver(view, scene, box);
  drawTags(view, g, tags);
  if (view.offered) drawLedger(view, scene);
  if (view.strips.length) drawStrips(view, scene, T);
}

const spot = [0, 0];
/**
 * Note copy `e` for drawing at (x, y). While the run plays, a leap of that spot (the copy has come to another place) is
 * taken up by an offset that fades: the disc glides over, and what moves smoothly anyhow is not held back.
 */
function put(view, scene, e, x, y, r, ease) {
  const { lane, s } = scene, f = s.flags[e];
  r *= scene.sizes[e];
  if (ease < 1 && scene.stamp[e] === scene.frame - 1) {
    const dx = scene.tx[e] - x, dy = scene.ty[e] - y;
    if (dx * dx + dy * dy > 26 * 26) { scene.ox[e] += dx; scene.oy[e] += dy; }
    scene.ox[e] *= 1 - ease; scene.oy[e] *= 1 - ease;
  } else scene.ox[e] = scene.oy[e] = 0;
  scene.tx[e] = x; scene.ty[e] = y; x += scene.ox[e]; y += scene.oy[e];
  scene.px[e] = x; scene.py[e] = y; scene.stamp[e] = scene.frame;
  const status = f & 15, style = f & LATE ? ST_LATE : status === WAITING ? ST_WAIT : status === MOVING ? ST_MOVE : status === DEAD ? ST_DEAD : ST_HERE;
  scene.styles[style].push(x, y, r);
  if (f & AGAIN) scene.rings.push(x, y, r);
  if (r >= 7 && scene.named.length < 600) scene.named.push(e, x, y, r, style === ST_HERE || style === ST_MOVE ? 1 : 0);
  if (s.lease[e] && r >= 6 && (status === MOVING || status === HERE)) {   // what is left of a loan
    const m = s.lease[e] - 1, until = lane.lease[m];
    if (until > scene.now) scene.leases.push(x, y, r, (until - scene.now) / (until - lane.time[m]));
  }
}

/** What stands in a box: discs in a line, a level where there are too many, tiles, a tape. */
function drawInside(view, scene, box, T, ease) {
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
const ghostsAt = ({ lane, s }, box) => lane.ghosts.filter((one) => one.from < s.total[ROWS] && one.until >= s.total[ROWS] && box.places.includes(one.place));

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

/** A gauge that says when it is full is a level in its place. */
function drawTubes(view, scene, box) {
  const { g, s, lane } = scene, c = view.palette;
  let x = box.x + 5;
  lane.slots.forEach((slot, i) => {
    if (slot.type !== "gauge" || !box.places.includes(slot.place)) return;
    const h = box.h - 8, y = box.y + 4, row = s.slot[i] - 1, full = row < 0 ? 0 : clamp(field(lane, row, "value") / field(lane, row, "full"), 0, 1);
    g.save(); g.beginPath(); g.roundRect(x, y, TUBE - 4, h, 4); g.clip();
    g.fillStyle = c.stage; g.fillRect(x, y, TUBE, h); g.fillStyle = c.moving; g.fillRect(x, y + h * (1 - full), TUBE, h * full); g.restore();
    g.strokeStyle = full ? c["moving-ink"] : c.lost; g.lineWidth = full ? 1.2 : 2; g.beginPath(); g.roundRect(x, y, TUBE - 4, h, 4); g.stroke();
    x += TUBE;
  });
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

/** The pages of files: of what was read, the part that was asked for is green and the rest hatched; passed over, grey. */
function drawTiles(view, scene, box, T) {
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
  const side = names.length > 1 ? Math.min(0.55 * box.w, 12 + 6 * longest) : 5;
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
function drawTape(view, scene, box, T, ease) {
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

/** Copies on their way, and word about copies that stay where they are. */
function gatherRoad(view, scene, T, ease) {
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
function drawDiscs(view, scene) {
  const { g, lane } = scene, c = view.palette;
  const fills = [c["waiting-fill"], c.moving, c.moving, c.box, c.box, c.box];
  const edges = [c.waiting, c["moving-ink"], c["moving-ink"], c.lost, c.late, c["moving-ink"]];
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
    g.strokeStyle = edges[style]; g.lineWidth = style === ST_LATE || style === ST_DEAD ? 2 : r0 < 5 ? 0.8 : 1.3; g.stroke();
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
    const e = scene.named[i], r = scene.named[i + 3], name = (scene.short[e] ??= short(lane.messages[lane.copyMessage[e]]));
    const want = Math.min(11, (r * 2.9) / Math.max(2.4, name.length));
    if (want < 6.5) continue;
    if (want !== size) { size = want; g.font = font(size, 500); }
    g.fillText(name, scene.named[i + 1], scene.named[i + 2] + size * 0.36);
  }
}

/** An id short enough for a disc: its number if it has one. */
const short = (id) => (id.length <= 4 ? id : /\d{1,4}$/.exec(id)?.[0] ?? id.slice(0, 3));

/** Where the followed message has been, and a halo where it is. */
function drawTrail(view, scene) {
  const { g, s, lane } = scene, { lay, palette: c } = view, m = lane.messages.indexOf(view.follow);
  if (m < 0) return;
  const points = [];
  for (const i of view.rowsOf(lane)) {
    if (i >= s.total[ROWS]) break;
    const box = lay.boxes[lay.boxOf[lane.kinds[lane.kind[i]].v === MOVE ? lane.origin[i] : lane.target[i]]];
    if (box && points.at(-1) !== box) points.push(box);
  }
  g.strokeStyle = c.fg; g.globalAlpha = 0.45; g.lineWidth = 2; g.setLineDash([2, 5]);
  g.beginPath(); points.forEach((box, i) => g[i ? "lineTo" : "moveTo"](box.x + box.w / 2, box.y + box.h / 2)); g.stroke();
  g.setLineDash([]); g.globalAlpha = 1;
  for (let e = 0; e < lane.entities; e++) {
    if (lane.copyMessage[e] !== m || scene.stamp[e] !== scene.frame) continue;
    g.fillStyle = c.fg; g.globalAlpha = 0.16; g.beginPath(); g.arc(scene.px[e], scene.py[e], 20, 0, TAU); g.fill();
    g.globalAlpha = 1; g.strokeStyle = c.fg; g.lineWidth = 2; g.beginPath(); g.arc(scene.px[e], scene.py[e], 17, 0, TAU); g.stroke();
  }
}

function tick(g, x, y, r) { g.beginPath(); g.moveTo(x - r * 0.5, y + r * 0.02); g.lineTo(x - r * 0.12, y + r * 0.4); g.lineTo(x + r * 0.52, y - r * 0.38); g.stroke(); }
function cross(g, x, y, r) { g.beginPath(); g.moveTo(x - r, y - r); g.lineTo(x + r, y + r); g.moveTo(x + r, y - r); g.lineTo(x - r, y + r); g.stroke(); }

/** What has just happened: each effect is a function of the time since its row, so scrubbing shows it too. */
function drawEffects(view, scene, T) {
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
      const x = (inside ? box.x + box.w - 8 - wide / 2 : box.x - 13) + jitter * wide;
      const y = (inside ? box.y + box.h - 6 : box.y + box.h * 0.45) + (inside ? 34 : box.h * 0.55 + 30) * age * age + 5 * age;
      g.fillStyle = c.box; g.strokeStyle = c.lost; g.lineWidth = 1.2; g.beginPath(); g.arc(x, y, r, 0, TAU); g.fill(); g.stroke();
      g.lineWidth = r > 5 ? 2.4 : 1.8; cross(g, x, y, r * 0.62); left--;
    } else if (k.v === BOUNCE) {
      const x = box.x - r - 2 - 34 * age, y = box.y + box.h * 0.42 - 64 * age * (1 - age) + jitter * 10;
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
function drawTags(view, g, tags) {
  const c = view.palette;
  g.font = font(10.5, 600); g.textAlign = "center";
  for (const [box, [text, alpha]] of tags) {
    const w = g.measureText(text).width + 12, x = box.x + Math.max(w / 2, box.w - w / 2 - 3), y = box.y + 11;
    g.globalAlpha = alpha; g.fillStyle = c.bg; g.strokeStyle = c.soft; g.lineWidth = 1;
    g.beginPath(); g.roundRect(x - w / 2, y - 8, w, 16, 8); g.fill(); g.stroke(); g.fillStyle = c.fg; g.fillText(text, x, y + 3.5);
  }
  g.globalAlpha = 1;
}

/** Over a box: its numbers, the state that it is in, the frame of the selected one. */
function drawOver(view, scene, box) {
  const { g, s, lane } = scene, c = view.palette, bits = bitsOf(view, scene, box), sum = (a) => box.places.reduce((x, p) => x + a[p], 0);
  const n = sum(s.count) - (box.kind === "tray" ? sum(s.here) : 0), foot = box.y + box.h + (bits && !view.model.states.some((one) => one.look === "veil" && bits & one.bit) ? 22 : 13);
  g.font = font(11.5, 600); g.textAlign = "right"; g.textBaseline = "alphabetic";
  if (n && box.kind === "tray") {
    const room = roomOf(box, lane), wide = (text) => box.titleWidth + g.measureText(text).width + 8;
    const text = [room && n >= room ? `${count(n)} of ${count(room)} · full` : "", room ? `${count(n)} of ${count(room)}` : "", room && n >= room ? "full" : "", count(n)]
      .find((words, i) => words && (i === 3 || wide(words) <= Math.max(box.w, box.room)));
    g.fillStyle = c["waiting-ink"]; g.fillText(text, box.x + Math.max(wide(text), box.w - 1), box.y - 7);
  }
  let x = box.x + 1;
  g.textAlign = "left"; g.font = font(11.5);
  for (const [number, ink, mark] of [[sum(s.done), c["done-ink"], 0], [sum(s.lost), c["lost-ink"], 1], [sum(s.refused), c["lost-ink"], 2]]) {
    if (!number) continue;
    const text = count(number), w = g.measureText(text).width;
    if (x + w + 16 > box.x + box.w + 16) break;
    g.strokeStyle = g.fillStyle = ink; g.lineWidth = 1.8;
    if (mark === 0) tick(g, x + 5, foot - 4, 6);
    else if (mark === 1) cross(g, x + 5, foot - 4, 3.4);
    else { g.beginPath(); g.arc(x + 5, foot - 4, 3.8, 0, TAU); g.moveTo(x + 3.2, foot - 4); g.lineTo(x + 6.8, foot - 4); g.stroke(); }
    g.fillText(text, x + 13, foot); x += w + 22;
  }
  const gone = box.places.length === 1 && lane.goneAt.get(box.places[0]) < s.total[ROWS];
  if (gone || (box.places.length === 1 && lane.bornAt.get(box.places[0]) >= s.total[ROWS])) {   // not yet there, or divided into others
    g.save(); g.fillStyle = c.stage; g.globalAlpha = 0.75; g.fillRect(box.x - 2, box.y - 18, Math.max(box.w, box.titleWidth) + 4, box.h + 20); g.globalAlpha = 1;
    g.strokeStyle = c.edge; g.lineWidth = 1.2; g.setLineDash([4, 4]); g.beginPath(); g.roundRect(box.x, box.y, box.w, box.h, 10); g.stroke(); g.restore();
    if (gone) { g.font = font(11, 600); g.textAlign = "center"; g.fillStyle = c.soft; g.fillText("divided", box.x + box.w / 2, box.y + box.h / 2 + 4); }
  }
  if (box.id === view.selected) { g.strokeStyle = c.fg; g.lineWidth = 2; g.setLineDash([5, 3]); g.beginPath(); g.roundRect(box.x - 2.5, box.y - 2.5, box.w + 5, box.h + 5, 10); g.stroke(); g.setLineDash([]); }
  if (bits) drawStates(view, scene, box, bits);
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
function stateWords(view, scene, box, now) {
  const { lane, s } = scene, n = view.model.states;
  return now.map((one) => {
    const in_it = box.places.filter((p) => within(view, p).some((q) => s.bits[q] & one.bit));
    if (box.places.length > 1) return `${in_it.length} ${one.words.replace(/ ?[^\w ]?\{\w+\}/g, "")}`;
    const row = within(view, box.places[0]).map((q) => (s.bits[q] & one.bit ? s.since[n.indexOf(one)][q] : 0)).find(Boolean) - 1;
    return one.words.replace(/\{(\w+)\}/g, (_, name) => value(name, field(lane, row, name)));
  });
}

function hatch(g, box, colour, alpha) {
  g.strokeStyle = colour; g.globalAlpha = alpha; g.lineWidth = 1.5; g.beginPath();
  for (let x = box.x - box.h; x < box.x + box.w; x += 8) { g.moveTo(x, box.y + box.h); g.lineTo(x + box.h, box.y); }
  g.stroke(); g.globalAlpha = 1;
}

function badge(view, g, box, text, fill, ink) {
  g.font = font(11, 700); g.textAlign = "center";
  const w = g.measureText(text).width + 14, x = clamp(box.x + box.w / 2, w / 2 + 2, view.lay.width - w / 2 - 2), y = box.y + box.h - 1;
  g.fillStyle = fill; g.beginPath(); g.roundRect(x - w / 2, y - 9, w, 18, 9); g.fill(); g.fillStyle = ink; g.fillText(text, x, y + 4);
}

/** A place and what it is part of: a machine that is slow slows all that runs on it. */
function within(view, p) {
  const ids = [];
  for (let name = view.model.places[p]; name; name = parentOf(name)) if (view.model.placeIds.has(name)) ids.push(view.model.placeIds.get(name));
  return ids;
}
const bitsOf = (view, scene, box) => box.places.reduce((bits, p) => within(view, p).reduce((sum, q) => sum | scene.s.bits[q], bits), 0);

/** The ledger: what was offered, and where each copy stands; on one scale for all lanes and the whole run. */
function drawLedger(view, scene) {
  const { g, s, W } = scene, { lay, palette: c } = view, y = lay.height, b = balance(s), now = counters(s);
  g.strokeStyle = c.line; g.lineWidth = 1; g.beginPath(); g.moveTo(0, y + 0.5); g.lineTo(W, y + 0.5); g.stroke();
  let x = PAD;
  g.textAlign = "left"; g.font = font(13, 600);
  for (const [name, ink, mark] of [["done", c["done-ink"], 0], ["again", c["again-ink"], 1], ["lost", c["lost-ink"], 2]]) {
    g.strokeStyle = g.fillStyle = ink; g.lineWidth = 2.2;
    if (mark === 0) tick(g, x + 5, y + 16, 8);
    else if (mark === 1) { g.beginPath(); g.arc(x + 5, y + 16, 4.6, 0, TAU); g.stroke(); }
    else cross(g, x + 5, y + 16, 4);
    const text = `${count(now[name])} ${name}`;
    g.fillText(text, x + 15, y + 20.5); x += g.measureText(text).width + 33;
  }
  g.textAlign = "right"; g.fillStyle = c.soft; g.font = font(12);
  const offered = `${count(b.offered)} offered`;
  if (x + g.measureText(offered).width < W - PAD) g.fillText(offered, W - PAD, y + 20.5);
  const wide = W - 2 * PAD, top = y + 28, unit = wide / Math.max(1, view.offered);
  g.fillStyle = c.line; g.globalAlpha = 0.5; g.beginPath(); g.roundRect(PAD, top, wide, 12, 3); g.fill(); g.globalAlpha = 1;
  let at = PAD;
  for (const name of ACCOUNTS) { const w = b[name] * unit; if (w > 0) { swatch(view, g, name, at, top, w, 12); at += w; } }
  // the legend, as the law: offered = done + stored + …
  x = PAD; let line = top + 12 + 14;
  g.font = font(11); g.textAlign = "left";
  view.accounts.forEach((name, i) => {
    const text = `${name} ${count(b[name])}`, w = 15 + g.measureText(text).width + 18;
    if (x + w - 18 > W - PAD + 4 && line < scene.bottom - 14) { x = PAD; line += LEGEND; }
    swatch(view, g, name, x, line - 8.5, 10, 10); g.fillStyle = c.soft; g.fillText(text, x + 15, line);
    x += w;
    if (i < view.accounts.length - 1) g.fillText("+", x - 12, line);
  });
}

function swatch(view, g, name, x, y, w, h) {
  const c = view.palette, solid = { done: c.done, stored: c["waiting-fill"], "in flight": c.moving, dropped: c.lost, expired: c.box, dead: c.fg, rejected: c.box };
  g.fillStyle = solid[name]; g.fillRect(x, y, w, h);
  if (w < 3) { if (name === "expired" || name === "rejected") { g.fillStyle = c.lost; g.fillRect(x, y, w, h); } return; }
  g.strokeStyle = name === "stored" ? c.waiting : name === "expired" || name === "rejected" ? c.lost : solid[name]; g.lineWidth = 1.2;
  g.strokeRect(x + 0.6, y + 0.6, w - 1.2, h - 1.2);
  if (name === "done" || name === "stored" || name === "in flight" || name === "dead") return;
  g.save(); g.beginPath(); g.rect(x, y, w, h); g.clip(); g.beginPath(); g.strokeStyle = name === "dropped" ? c.box : c.lost; g.lineWidth = 1.3;
  for (let i = -h; i < w + h; i += 5) {
    if (name === "rejected") { g.moveTo(x + i, y); g.lineTo(x + i, y + h); } else { g.moveTo(x + i, y + h); g.lineTo(x + i + h, y); }
  }
  g.stroke(); g.restore();
}

// the strips: drawn once for the whole run; a frame adds the cursor, what is past stands out from what is to come
const timeX = (view, scene, t) => PAD + clamp((t - view.model.start) / view.span, 0, 1) * (scene.W - 2 * PAD);
const stripY = (view, name, y) => STRIP - 6 - (clamp(y / view.scales.get(name), -0.05, 1.05)) * (STRIP - 22);

function drawCurves(view, scene, g) {
  const c = view.palette, strips = new Map(scene.lane.strips.map((strip) => [strip.name, strip]));
  view.strips.forEach((name, i) => {
    const strip = strips.get(name);
    g.save(); g.translate(0, i * STRIP);
    (strip?.lines ?? []).forEach((line, j) => {
      g.strokeStyle = g.fillStyle = c.fg; g.lineWidth = 1.5; g.setLineDash([[], [5, 3], [2, 3], [7, 3, 2, 3]][j % 4]);
      const path = new Path2D(); let last = stripY(view, name, line.y[0] ?? 0), px = -1, low = Infinity, high = -Infinity;
      if (line.t.length) path.moveTo(timeX(view, scene, line.t[0]), last);
      for (let k = 0; k < line.t.length; k++) {                         // one upright stroke a pixel, however many points
        const x = timeX(view, scene, line.t[k]), y = stripY(view, name, line.y[k]);
        if (Math.floor(x) !== px) { path.lineTo(x, last); low = high = last; px = Math.floor(x); }
        if (y < low) { path.lineTo(x, y); low = y; } else if (y > high) { path.lineTo(x, y); high = y; }
        last = y;
      }
      const end = timeX(view, scene, scene.lane.end);
      path.lineTo(end, last); g.stroke(path); g.setLineDash([]);
      if (strip.lines.length === 1) { path.lineTo(end, STRIP - 6); path.lineTo(timeX(view, scene, line.t[0] ?? 0), STRIP - 6); path.closePath(); g.globalAlpha = 0.1; g.fill(path); g.globalAlpha = 1; }
    });
    g.restore();
  });
}

function drawStrips(view, scene, T) {
  const { g, W, lane, s } = scene, c = view.palette, top = scene.bottom, h = view.strips.length * STRIP, x = clamp(timeX(view, scene, T), PAD, W - PAD);
  for (const [a, b, p] of lane.faultSpans) {
    const from = timeX(view, scene, a), to = Math.max(from + 2, timeX(view, scene, b));
    g.fillStyle = c.fg; g.globalAlpha = 0.09; g.fillRect(from, top, to - from, h); g.globalAlpha = 1; g.fillStyle = c.band; g.fillRect(from, top, to - from, 3);
  }
  view.strips.forEach((name, i) => {
    const y0 = top + i * STRIP, reference = view.references[name];
    g.strokeStyle = c.line; g.lineWidth = 1; g.beginPath(); g.moveTo(PAD, y0 + STRIP - 5.5); g.lineTo(W - PAD, y0 + STRIP - 5.5); g.stroke();
    if (reference && reference.value <= view.scales.get(name) * 1.02) {
      const y = y0 + stripY(view, name, reference.value);
      g.strokeStyle = c.law; g.lineWidth = 1.3; g.setLineDash([6, 4]); g.beginPath(); g.moveTo(PAD, y); g.lineTo(W - PAD, y); g.stroke(); g.setLineDash([]);
    }
  });
  const ratio = view.ratio;
  g.globalAlpha = 0.32; g.drawImage(scene.curves, 0, top, W, h);
  g.globalAlpha = 1; g.drawImage(scene.curves, 0, 0, Math.max(1, x * ratio), h * ratio, 0, top, Math.max(1 / ratio, x), h);
  g.strokeStyle = c.fg; g.lineWidth = 1; g.beginPath(); g.moveTo(x, top + 1); g.lineTo(x, top + h - 4); g.stroke();
  const strips = new Map(lane.strips.map((strip) => [strip.name, strip]));
  view.strips.forEach((name, i) => {
    const y0 = top + i * STRIP, strip = strips.get(name), reference = view.references[name];
    let words = "";
    (strip?.lines ?? []).slice(0, 4).forEach((line, j) => {
      const k = upper(line.t, T) - 1, y = strip.derived && name === "depth" ? s.total[2] : strip.derived && name === "lost" ? counters(s).lost : line.y[k];
      if (k < 0) return;                                                // a count is the state's own: rows of one moment come one by one
      g.fillStyle = c.fg; g.beginPath(); g.arc(x, y0 + stripY(view, name, y), 3, 0, TAU); g.fill();
      words += `${j ? "  ·  " : "  "}${strip.lines.length > 1 ? `${line.label} ` : ""}${number(y)}`;
    });
    label(view, g, name, words + (words && strip.unit ? ` ${strip.unit}` : ""), PAD + 2, y0 + 12, "left");
    label(view, g, "", reference ? reference.label : `up to ${number(view.scales.get(name))}`, W - PAD - 2, y0 + 12, "right");
  });
}

const number = (y) => (Number.isInteger(y) ? count(y) : trim(y, 3));

/** Words on a strip, with the ground behind them so that a curve does not run through. */
function label(view, g, bold, text, x, y, align) {
  const c = view.palette;
  g.font = font(11, 600); const w0 = bold ? g.measureText(bold).width : 0;
  g.font = font(11); const w = w0 + g.measureText(text).width, left = align === "left" ? x : x - w;
  g.fillStyle = c.stage; g.globalAlpha = 0.92; g.fillRect(left - 2, y - 10, w + 4, 13); g.globalAlpha = 1;
  g.textAlign = "left"; g.fillStyle = c.soft; g.fillText(text, left + w0, y);
  if (bold) { g.font = font(11, 600); g.fillStyle = c.fg; g.fillText(bold, left, y); }
}

// -------------------------------------------------------------------------------------------------------- 7 controls
const SPEEDS = [0.1, 0.25, 0.5, 1, 2, 4, 8, 16];
const EASE_MS = 75, EFFECT_S = 0.75, FLIGHT_S = 0.3;                    // of watching, at speed 1
const ICON = {
  first: '<path d="M3 3v10M13 3 6 8l7 5z"/>', back: '<path d="M12 3 5 8l7 5z"/>', play: '<path d="M4 2.5v11l9-5.5z"/>',
  pause: '<path d="M4 3h3v10H4zM9 3h3v10H9z"/>', next: '<path d="M4 3l7 5-7 5z"/>', last: '<path d="M13 3v10M3 3l7 5-7 5z"/>',
};
const icon = (name) => `<svg viewBox="0 0 16 16" aria-hidden="true">${ICON[name]}</svg>`;
const KEYS = [
  ["Space", "play or pause"], ["← →", "one row back, one row on"], ["Shift ← →", "ten rows; with a message followed, its next row"],
  ["Home End", "the first row, the last row"], ["+ −", "faster, slower"], ["↑ ↓", "choose a place"], ["Z", "zoom to the place chosen, and out again"],
  ["F", "follow the message of this row; again: let go"], ["L", "the next row that breaks a promise"], ["1 2 … 0", "step one lane only; 0: all"],
  ["G", "fork: run again with a fault added here"], ["Esc", "close, let go, zoom out"], ["?", "these keys"],
];
const FAULTS = { crash: "crashes", slow: "runs slowly", split: "is cut off", lose: "is lost", duplicate: "is doubled" };

const SHELL = `
  <div class="dp-note" hidden><span></span> <button type="button" data-do="back">Back</button></div>
  <div class="dp-bar" role="toolbar" aria-label="Playback">
    <span class="dp-buttons">
      <button type="button" data-do="first" aria-label="First row" title="First row (Home)">${icon("first")}</button>
      <button type="button" data-do="prev" aria-label="Previous row" title="One row back (←)">${icon("back")}</button>
      <button type="button" data-do="play" class="dp-play" aria-label="Play" title="Play or pause (Space)">${icon("play")}</button>
      <button type="button" data-do="next" aria-label="Next row" title="One row on (→)">${icon("next")}</button>
      <button type="button" data-do="last" aria-label="Last row" title="Last row (End)">${icon("last")}</button>
    </span>
    <span class="dp-scrub"><input type="range" class="dp-time" step="any" aria-label="Time"><span class="dp-ticks" aria-hidden="true"></span></span>
    <span class="dp-clock" aria-hidden="true"></span>
  </div>
  <div class="dp-lanes"></div>
  <button type="button" class="dp-poster" data-do="play" hidden>${icon("play")} Play from the start</button>
  <div class="dp-bar dp-second">
    <label>speed <select class="dp-speed" aria-label="Playback speed">${SPEEDS.map((x) => `<option value="${x}"${x === 1 ? " selected" : ""}>${x}×</option>`).join("")}</select></label>
    <label>follow <input class="dp-who" type="text" size="7" placeholder="a message" aria-label="Follow a message by its name" spellcheck="false" autocomplete="off"></label>
    <label class="dp-lane-label" hidden>step <select class="dp-focus" aria-label="Lane to step"></select></label>
    <button type="button" data-do="zoom" class="dp-zoom" title="Zoom to the chosen place, or out (Z)">zoom</button>
    <button type="button" data-do="fork" class="dp-forking" title="Run again with a fault added at this moment (G)" hidden>fork here</button>
    <p class="dp-live" role="status" aria-live="polite"></p>
    <button type="button" data-do="help" aria-label="Keys" title="Keys (?)" aria-expanded="false">?</button>
  </div>
  <form class="dp-fork" hidden aria-label="Run again with a fault added here"></form>
  <div class="dp-lives"></div>
  <div class="dp-twin"></div>
  <dialog class="dp-keys" aria-label="Keys of the player"><h4>Keys</h4><dl>${KEYS.map(([k, w]) => `<dt>${k.split(" ").map((x) => (x === "…" ? x : `<kbd>${x}</kbd>`)).join(" ")}</dt><dd>${w}</dd>`).join("")}</dl>
    <button type="button" data-do="help">Close</button></dialog>`;

let players = 0;

function render({ model, el }) {
  const root = document.createElement("div");
  root.className = "dp"; root.tabIndex = -1; root.setAttribute("role", "group");
  root.setAttribute("data-lm-suppress-shortcuts", "true");              // JupyterLab's one-key commands stay out
  root.innerHTML = SHELL; el.appendChild(root);
  const $ = (selector) => root.querySelector(selector), ui = {};
  for (const name of ["note", "lanes", "poster", "play", "time", "ticks", "clock", "speed", "who", "focus", "zoom", "forking", "fork", "live", "lives", "twin", "keys"]) ui[name] = $(`.dp-${name}`);
  ui.twin.id = `dp-twin-${++players}`;
  const still = matchMedia("(prefers-reduced-motion: reduce)"), dark = matchMedia("(prefers-color-scheme: dark)");
  const stats = { frames: [], draw: [], scrub: [], decode_ms: 0, paint_ms: 0, loads: 0 };
  const view = { model: null, palette: null, ratio: 1, follow: null, selected: null, zoom: "", rowsOf, strips: [], scales: new Map(), references: {}, accounts: [] };
  const memory = new Map();
  let held = { shape: "", stage: 0, lane: 0, lanes: 0 };               // what the frame of the first run took
  let scenes = [], steps = null, T = 0, k = 0, playing = false, raf = 0, last = 0, poster = false, focus = -1, graph = null, spoken = 0, stacked = false;
  let seq = 0, alive = true;

  // ------------------------------------------------------------------------------------------ a run comes in
  function load() {
    const before = performance.now(), old = view.model, share = old ? (T - old.start) / view.span : -1;
    pause(false);
    try {
      const run = decode(model.get("packed"));
      if (!run.lanes.length) throw new Error("There is no run to show yet.");
      for (const lane of run.lanes) timeline(run, lane);
      view.model = run; view.live = typeof model.get("packed") !== "string";
    } catch (error) { return refuse(error.message); }
    const run = view.model, lanes = run.lanes;
    steps = stepsOf(lanes); view.span = Math.max(1, run.end - run.start);
    graph = graphOf(run, memory);
    if (!graph.nodes.has(view.zoom)) view.zoom = "";
    if (view.follow && !lanes.some((lane) => lane.messages.includes(view.follow))) view.follow = null;
    view.base = clamp(steps.n / 110, 8, 24);                            // seconds of watching for a whole run at speed 1
    const gone = Math.max(0, ...lanes.map((lane) => lane.leaving)) / view.base;   // how many leave in a second of watching
    view.busy = gone > 18; view.effect = (clamp(16 / Math.max(1, gone), 0.32, EFFECT_S) * view.span) / view.base; view.flight = (FLIGHT_S * view.span) / view.base;
    view.rare = run.kinds.map((_, code) => lanes.every((lane) => lane.rowsOfKind[code] <= 3 * view.base));
    view.strips = stripNames(lanes);
    view.references = Object.assign({}, ...lanes.map((lane) => lane.header.references || {}));
    view.scales = new Map(view.strips.map((name) => [name, scaleOf(name, lanes)]));
    view.offered = Math.max(0, ...lanes.map((lane) => lane.final.offered));
    view.accounts = ACCOUNTS.filter((name, i) => i < 3 || lanes.some((lane) => lane.final[name] > 0));
    const crowd = Math.max(0, ...lanes.map((lane) => lane.peak[run.places.length]));
    view.crowd = crowd;
    stats.decode_ms = performance.now() - before;
    shell(run); focus = Math.min(focus, lanes.length - 1);
    root.classList.remove("dp-refused");
    size();
    let why = "";
    if (share >= 0 && !(poster && run.head.opening)) { T = run.start + share * view.span; k = upper(steps.time, T) - 1; show(true); }
    else { poster = steps.n > 1; if (poster) why = openAt(); else { k = steps.n; T = k ? steps.time[k] : run.start; } show(true); }
    setPoster(poster);
    say(run.rows ? `${poster ? `${why}. ` : ""}${words()}` : "This run left no rows.");
    stats.loads++; seq++;
    requestAnimationFrame(() => { if (!alive) return; stats.paint_ms = performance.now() - before; root.dataset.seq = String(seq); root.dataset.rows = String(run.rows); });
  }

  function refuse(sentence) {
    view.model = null; scenes = []; ui.lanes.innerHTML = ui.lives.innerHTML = ""; setPoster(false); root.classList.add("dp-refused");
    root.setAttribute("aria-label", "Player"); say(sentence); root.dataset.seq = String(++seq); stats.loads++;
  }

  function scaleOf(name, lanes) {
    let top = 0;
    for (const lane of lanes) for (const strip of lane.strips) if (strip.name === name) for (const line of strip.lines) for (const y of line.y) if (y > top) top = y;
    for (const lane of lanes) { const r = lane.header.references?.[name]; if (r && r.value < 3 * top) top = Math.max(top, r.value); }
    return top || 1;
  }

  /** Open at the moment that tells most; returns what to say of it. */
  function openAt() {
    const { time_us, why } = view.model.head.opening ?? { time_us: view.model.end, why: "The last moment" };
    T = clamp(time_us, view.model.start, view.model.start + view.span); k = upper(steps.time, T) - 1;
    return why;
  }

  /** The page round the canvases: one section a lane. */
  function shell(run) {
    const one = run.lanes.length === 1;
    root.setAttribute("aria-label", `Player: ${run.lanes.map((lane) => lane.title || "a run").join(" beside ")}. Space plays, arrows step, question mark lists the keys.`);
    ui.lanes.textContent = ui.lives.textContent = "";
    scenes = run.lanes.map((lane, j) => {
      const section = document.createElement("section");
      section.className = "dp-lane"; section.dataset.lane = j; section.setAttribute("aria-label", lane.title || `Lane ${j + 1}`);
      section.innerHTML = `<header><h4></h4><div class="dp-lamps" role="list" aria-label="Promises"></div></header>
        <canvas role="img" tabindex="${j ? -1 : 0}" aria-describedby="${ui.twin.id}"></canvas><p class="dp-words"></p>`;
      section.querySelector("h4").textContent = lane.title || (one ? "" : `Lane ${j + 1}`);
      const lamps = section.querySelector(".dp-lamps");
      for (const lamp of lane.lamps) {
        const n = lamp.rows.length, it = document.createElement(n ? "button" : "span"), item = document.createElement("span");
        it.className = `dp-lamp ${n ? "dp-red" : "dp-green"}`; it.title = lamp.meaning + (n ? ` Broken by ${plural(n, "row")}: press to go to the next.` : " It held.");
        if (n) { it.type = "button"; it.dataset.do = "lamp"; it.dataset.lamp = lamp.name; }
        it.innerHTML = n ? '<svg viewBox="0 0 12 12" aria-hidden="true"><path d="M6 .8 11.4 11H.6z"/></svg>' : '<svg viewBox="0 0 12 12" aria-hidden="true"><circle cx="6" cy="6" r="5.2"/><path d="m3.4 6.2 1.8 1.9 3.5-4" class="dp-tick"/></svg>';
        it.append(n ? `${lamp.name}: broken ${count(n)}×` : lamp.name);
        it.setAttribute("aria-label", n ? `${lamp.name}: broken by ${plural(n, "row")}, go to the next` : `${lamp.name}: held`);
        item.setAttribute("role", "listitem"); item.append(it); lamps.append(item);
      }
      ui.lanes.append(section);
      const list = document.createElement("ol");
      list.className = "dp-rows"; list.hidden = true; list.dataset.lane = j;
      list.setAttribute("aria-label", `Rows of the followed message${lane.title ? `, ${lane.title}` : ""}`); ui.lives.append(list);
      const scene = sceneOf(lane, section.querySelector("canvas"));
      scene.canvas.setAttribute("aria-label", `Picture of ${lane.title || "the run"}`);
      return Object.assign(scene, { section, words: section.querySelector(".dp-words"), list });
    });
    ui.time.min = run.start; ui.time.max = run.start + view.span;
    $(".dp-lane-label").hidden = one;
    ui.focus.innerHTML = "";
    ui.focus.append(new Option("all lanes", "-1"), ...run.lanes.map((lane, j) => new Option(`lane ${j + 1}${lane.title ? `: ${lane.title}` : ""}`, String(j))));
    ui.focus.value = String(focus);
    ui.forking.hidden = !model.get("can_fork");
    ui.note.hidden = !run.head.note; ui.note.firstElementChild.textContent = run.head.note || "";
    ui.note.querySelector("button").hidden = !run.head.back;
    ticks(run); rows();
    if (!model.get("can_fork")) ui.fork.hidden = true;
  }

  /** Marks over the time slider: faults (black) and broken promises (vermillion). */
  function ticks(run) {
    const marks = [];
    for (const lane of run.lanes) {
      for (const [a, b] of lane.faultSpans) marks.push(["dp-fault", a, b]);
      for (const lamp of lane.lamps) for (const i of lamp.rows.slice(0, 60)) marks.push(["dp-broken", lane.time[i], lane.time[i]]);
    }
    const at = (t) => (100 * (t - run.start)) / view.span;
    ui.ticks.innerHTML = marks.slice(0, 240).map(([name, a, b]) => `<i class="${name}" style="left:${at(a).toFixed(2)}%;width:${Math.max(0, at(b) - at(a)).toFixed(2)}%"></i>`).join("");
  }

  // --------------------------------------------------------------------------------------------- sizes, colours
  function size() {
    if (!view.model) return;
    const n = scenes.length, wide = root.clientWidth || 900;
    const probe = layout(graph, wide, 0, view.zoom), beside = Math.min(n, n === 3 && wide > 1150 ? 3 : 2), each = (wide - 18 * (beside - 1)) / beside;
    const pen = scenes[0].g, cut = (lay) => { pen.font = font(12.5, 600); return lay.boxes.filter((box) => fit(pen, box.label, box.room) !== box.label).length; };
    stacked = n > 1 && (wide < 700 || each < Math.max(300, 78 * probe.columns) || cut(layout(graph, each, 0, view.zoom)) > cut(probe));
    root.classList.toggle("dp-stacked", stacked); root.classList.toggle("dp-narrow", wide < 560);
    ui.lanes.style.gridTemplateColumns = stacked || n === 1 ? "minmax(0,1fr)" : `repeat(${beside},minmax(0,1fr))`;
    root.classList.toggle("dp-rows-of-lanes", stacked || n > beside);
    const W = Math.floor(scenes[0].canvas.clientWidth || (stacked ? wide : each));
    const shape = `${wide} ${n} ${stacked} ${view.zoom}`, first = held.shape !== shape;   // another run in the same frame keeps its height
    if (first) held = { shape, stage: 0, lane: 0, lanes: 0 };
    view.lay = layout(graph, W, Number(model.get("height")) || held.stage, view.zoom);
    if (view.live && first && view.lay.height < 230 && !model.get("height")) view.lay = layout(graph, W, 230, view.zoom);   // a slider may bring more
    held.stage = view.lay.height;
    view.ratio = Math.min(3, devicePixelRatio || 1); view.palette = paletteOf(root);
    const crowd = view.crowd;
    view.roadRadius = Math.max(2, Math.min(crowd <= 40 ? 8 : crowd <= 150 ? 6.5 : crowd <= 500 ? 4.5 : 3.2, Math.max(4, view.lay.discs)));
    for (const scene of scenes) { scene.W = W; prepare(view, scene, held.lane); held.lane = Math.max(held.lane, scene.H); }
    ui.lanes.style.minHeight = held.lanes && !first ? `${held.lanes}px` : "";
    held.lanes = ui.lanes.offsetHeight;
    ui.poster.style.top = `${ui.lanes.offsetTop + scenes[0].canvas.offsetTop + view.lay.height - 42}px`;
    ui.zoom.textContent = view.zoom ? `◂ out of ${view.zoom}` : "zoom"; ui.zoom.disabled = !view.zoom && !view.selected;
    view.width = wide;
  }
  function retheme() {
    root.classList.toggle("dp-dark", onDark(el));
    if (view.model) { size(); show(true); }
  }

  // ------------------------------------------------------------------------------------------------ the picture
  /** Draw the moment (T, k). `exact`: discs stand where they belong; else they go on towards it. */
  function show(exact, ease = 1) {
    if (!view.model) return;
    const before = performance.now();
    scenes.forEach((scene, j) => { seek(scene.lane, scene.s, steps.counts[j][k]); draw(view, scene, T, exact ? 1 : ease); });
    const took = performance.now() - before;
    (exact ? stats.scrub : stats.draw).push(took);
    if (stats.draw.length > 1200) stats.draw.splice(0, 600);
    if (stats.scrub.length > 1200) stats.scrub.splice(0, 600);
    ui.time.value = T;
    const text = `${clock(T, view.span)} of ${clock(view.model.end, view.span)}`;
    if (ui.clock.textContent !== text) { ui.clock.textContent = text; ui.time.setAttribute("aria-valuetext", text); }
    const now = performance.now();
    if (exact || now - spoken > 160) { spoken = now; sentences(); }
  }

  const rowAt = (j) => steps.counts[j][k] - 1;
  function sentences() {
    scenes.forEach((scene, j) => {
      const text = sentence(j);
      if (scene.words.textContent !== text) scene.words.textContent = text;
      if (view.follow && !scene.list.hidden) mark(scene, rowAt(j));
    });
  }
  function sentence(j) {
    const i = rowAt(j), lane = scenes[j].lane;
    return i < 0 ? (lane.n ? "Nothing has happened yet." : "This run left no rows.") : `${describe(lane, i)}.`;
  }
  /** What a reader hears: where we are, and what the newest row says. */
  function words() {
    const run = view.model;
    if (!run || !run.rows) return "This run left no rows.";
    const spokenLanes = scenes.map((_, j) => j).filter((j) => (focus >= 0 ? j === focus : k === 0 ? j === 0 : steps.counts[j][k] > steps.counts[j][k - 1]));
    const told = spokenLanes.slice(0, 2).map((j) => `${scenes.length > 1 ? `${scenes[j].lane.title || `Lane ${j + 1}`}, ` : ""}row ${Math.max(0, rowAt(j) + 1)} of ${scenes[j].lane.n}: ${sentence(j)}`);
    const same = told.length === 2 && sentence(spokenLanes[0]) === sentence(spokenLanes[1]);
    return `${clock(T, view.span)}, ${same ? `both lanes: ${sentence(spokenLanes[0])}` : told.join(" ")}`;
  }
  function say(text) { ui.live.textContent = text; twin(); }
  /** The picture in words, for those who do not see it: written when it stands still. */
  function twin() { ui.twin.textContent = view.model ? scenes.map((scene, j) => `${scene.lane.title || `Lane ${j + 1}`}: ${describeState(view, scene)}`).join(" ") : ""; }

  function setPoster(on) { poster = on; ui.poster.hidden = !on; root.classList.toggle("dp-is-poster", on); }
  function seekTime(t, speak = true) { setPoster(false); T = clamp(t, view.model.start, view.model.start + view.span); k = upper(steps.time, T) - 1; show(true); if (speak) say(words()); }
  function seekStep(to, speak = true) {
    setPoster(false); pause(false);
    k = clamp(to, 0, steps.n); T = k ? steps.time[k] : view.model.start; show(true);
    if (speak) say(words());
  }
  /** Go `d` rows on or back: rows of the lane in focus, else of all. */
  function step(d) {
    if (poster) { pause(false); return seekStep(d > 0 ? 1 : 0); }
    let to = k;
    for (let left = Math.abs(d), way = Math.sign(d); left > 0; left--) {
      let next = to + way;
      if (focus >= 0) while (next > 0 && next < steps.n && steps.counts[focus][way > 0 ? next : next + 1] === steps.counts[focus][way > 0 ? next - 1 : next]) next += way;
      if (next < 0 || next > steps.n) break;
      to = next;
    }
    seekStep(to);
  }
  const stepOf = (j, i) => upper(steps.counts[j], i);                   // the step that brings row `i` of lane `j`
  const toRow = (j, i) => seekStep(stepOf(j, i));

  function frame(now) {
    if (!playing) return;
    if (last) { stats.frames.push(now - last); if (stats.frames.length > 1200) stats.frames.splice(0, 600); }
    const dt = last ? Math.min(now - last, 100) : 0; last = now;
    T = Math.min(view.model.start + view.span, T + (dt / 1000) * (view.span / view.base) * Number(ui.speed.value));
    k = upper(steps.time, T) - 1;
    const over = T >= view.model.start + view.span;
    show(over || still.matches, 1 - Math.exp(-dt / EASE_MS));
    if (over) return pause();
    raf = requestAnimationFrame(frame);
  }
  function play() {
    if (!view.model || !steps.n || playing) return;
    if (poster || T >= view.model.start + view.span) { T = view.model.start; k = upper(steps.time, T) - 1; }
    setPoster(false); playing = true; last = 0; buttons(); ui.live.textContent = "playing";
    raf = requestAnimationFrame(frame);
  }
  function pause(speak = true) {
    if (!playing) return;
    playing = false; cancelAnimationFrame(raf); buttons(); show(true);
    if (speak) say(`paused at ${words()}`);
  }
  function buttons() { ui.play.innerHTML = icon(playing ? "pause" : "play"); ui.play.setAttribute("aria-label", playing ? "Pause" : "Play"); root.classList.toggle("dp-playing", playing); }
  function faster(d) { ui.speed.value = String(SPEEDS[clamp(SPEEDS.indexOf(Number(ui.speed.value)) + d, 0, SPEEDS.length - 1)]); ui.live.textContent = `speed ${ui.speed.value}`; }

  // ------------------------------------------------------------------------------- follow, zoom, lanes, promises
  function rowsOf(lane) {
    if (lane.followed?.message !== view.follow) {
      const m = lane.messages.indexOf(view.follow), list = [];
      if (m >= 0) for (let i = 0; i < lane.n; i++) if (lane.message[i] === m) list.push(i);
      lane.followed = { message: view.follow, list };
    }
    return lane.followed.list;
  }
  function follow(message) {
    const known = message && scenes.some((scene) => scene.lane.messages.includes(message));
    view.follow = known ? message : null; ui.who.value = view.follow ?? ""; ui.who.removeAttribute("aria-invalid");
    rows(); show(true);
    if (message && !known) { ui.who.value = message; ui.who.setAttribute("aria-invalid", "true"); say(`No message is called ${message}.`); }
    else say(view.follow ? `following ${message}: ${scenes.map((scene) => plural(rowsOf(scene.lane).length, "row")).join(", ")}` : "following nothing");
  }
  function followHere() {
    if (view.follow) return follow(null);
    const j = focus >= 0 ? focus : Math.max(0, scenes.findIndex((_, i) => k > 0 && steps.counts[i][k] > steps.counts[i][k - 1])), message = newest(j);
    if (message === null) ui.who.focus(); else follow(message);
  }
  /** The rows of the followed message, each a way to go there. */
  function rows() {
    scenes.forEach((scene, j) => {
      const { lane, list } = scene;
      list.hidden = !view.follow; list.textContent = "";
      if (!view.follow) return;
      const all = rowsOf(lane);
      if (!all.length) { const li = document.createElement("li"); li.textContent = `${view.follow} does not occur in this run.`; list.append(li); }
      for (const i of all.slice(0, 300)) {
        const li = document.createElement("li"), b = document.createElement("button");
        b.type = "button"; b.dataset.do = "row"; b.dataset.row = i; b.tabIndex = -1;
        const t = document.createElement("time"); t.textContent = clock(lane.time[i], view.span); b.append(t, ` ${describe(lane, i)}`);
        li.append(b); list.append(li);
      }
      mark(scene, rowAt(j));
    });
  }
  function mark(scene, i) {
    const n = upper(rowsOf(scene.lane), i) - 1;
    if (scene.marked === n && scene.list.querySelector("[aria-current]")) return;
    scene.marked = n;
    [...scene.list.children].forEach((li, m) => { li.classList.toggle("dp-past", m <= n); if (m === n) li.setAttribute("aria-current", "step"); else li.removeAttribute("aria-current"); });
    const now = scene.list.children[n];
    if (now) scene.list.scrollTop = now.offsetTop - scene.list.clientHeight / 2;
  }
  function nextOfFollowed(d) {
    let best = -1;
    scenes.forEach((scene, j) => {
      if (focus >= 0 && j !== focus) return;
      const list = rowsOf(scene.lane), n = upper(list, rowAt(j)), i = d > 0 ? list[n] : list[n - 1] === rowAt(j) ? list[n - 2] : list[n - 1];
      if (i === undefined) return;
      const to = stepOf(j, i);
      if (to !== k && (best < 0 || (d > 0 ? to < best : to > best))) best = to;
    });
    if (best >= 0) seekStep(best); else say(`${view.follow} has no ${d > 0 ? "later" : "earlier"} row.`);
  }
  function select(d) {
    const ids = view.lay.boxes.filter((box) => !box.aside).map((box) => box.id), at = ids.indexOf(view.selected);
    choose(ids[(at + d + ids.length + (at < 0 && d < 0 ? 1 : 0)) % ids.length]);
  }
  function choose(id) {
    view.selected = id; ui.zoom.disabled = !view.zoom && !id; show(true);
    const box = view.lay.boxes.find((x) => x.id === id);
    say(box ? `${id}: ${boxWords(view, scenes[Math.max(0, focus)], box)}. Z zooms in.` : "no place chosen");
  }
  function zoomTo(id) {
    view.zoom = id; size(); show(true); say(id ? `zoomed to ${id}` : "all places");
  }
  const zoom = () => (view.zoom && (!view.selected || view.selected === view.zoom || !graph.nodes.has(view.selected)) ? zoomTo(outer(view.zoom)) : view.selected ? zoomTo(view.selected) : say("choose a place first: arrow up and down"));
  const outer = (id) => { const it = graph.nodes.get(id)?.parent; return it && it !== graph.root && it.children.length > 1 ? it.id : ""; };
  function setFocus(j) { focus = j < scenes.length ? j : -1; ui.focus.value = String(focus); scenes.forEach((scene, i) => scene.section.classList.toggle("dp-focused", i === focus)); say(focus < 0 ? "stepping all lanes" : `stepping ${scenes[focus].lane.title || `lane ${focus + 1}`}`); }
  /** The next row that breaks a promise (of one lamp, or of any in the lanes in focus), round and round. */
  function nextBroken(d = 1, lane = focus, lamp = "") {
    const at = [];
    scenes.forEach((scene, j) => {
      if (lane >= 0 && j !== lane) return;
      for (const one of scene.lane.lamps) if (!lamp || one.name === lamp) for (const i of one.rows) at.push([scene.lane.time[i], j, i, one]);
    });
    if (!at.length) return say("Every promise was kept.");
    at.sort((a, b) => a[0] - b[0] || a[1] - b[1] || a[2] - b[2]);
    const here = (x) => k > 0 && !poster && steps.counts[x[1]][k] === x[2] + 1 && steps.counts[x[1]][k - 1] === x[2];
    let n = at.findIndex(here);
    if (n >= 0) n = (n + d + at.length) % at.length;
    else { n = poster ? 0 : at.findIndex((x) => x[2] + 1 > steps.counts[x[1]][k]); if (n < 0) n = 0; if (d < 0) n = (n - 1 + at.length) % at.length; }
    const [, j, i, one] = at[n];
    toRow(j, i);
    say(`${one.name} is broken here, ${count(one.rows.indexOf(i) + 1)} of ${count(one.rows.length)}: ${words()}`);
  }

  // ----------------------------------------------------------------------------------------------------- fork
  function openFork() {
    if (!model.get("can_fork")) return say("A fork needs a running kernel.");
    if (!ui.fork.hidden) return closeFork();
    pause(false);
    const j = Math.max(0, focus), lane = scenes[j].lane, at = view.selected && graph.nodes.has(view.selected) ? view.selected : view.zoom;
    const places = [...new Set(graph.names.filter((_, p) => graph.used[p] & 2).flatMap((name) => name.split("/").map((_, n, all) => all.slice(0, n + 1).join("/"))))].sort(natural);
    const message = view.follow ?? newest(j), span = view.span / 1e6;
    ui.fork.innerHTML = `<b>From ${clock(T, view.span)} on</b>
      <select name="target" aria-label="What is struck"></select>
      <select name="do" aria-label="What happens">${Object.entries(FAULTS).map(([name, w]) => `<option value="${name}">${w}</option>`).join("")}</select>
      <label class="dp-value">to <input name="value" type="number" min="0" max="1" step="0.05" value="0.2"> of its speed</label>
      <label class="dp-lasts">for <input name="lasts" type="number" min="0" step="any" value="${trim(Math.max(span / 10, 1e-6), 2)}"> s</label>
      ${scenes.length > 1 ? `<label>in <select name="lane">${scenes.map((scene, i) => `<option value="${i}"${i === j ? " selected" : ""}>${""}</option>`).join("")}</select></label>` : ""}
      <button type="submit">Run again</button> <button type="button" data-do="fork">Cancel</button>`;
    const f = ui.fork.elements;
    f.target.append(...places.map((name) => new Option(name, name)), ...(message ? [new Option(`message ${message}`, `message ${message}`)] : []));
    if (f.lane) scenes.forEach((scene, i) => { f.lane.options[i].text = scene.lane.title || `lane ${i + 1}`; });
    f.target.value = view.follow ? `message ${view.follow}` : places.includes(at) ? at : places.at(-1) ?? "";
    if (view.follow) f.do.value = "lose";
    const fields = () => {
      const about = f.target.value.startsWith("message ");
      for (const option of f.do.options) option.hidden = option.disabled = (option.value === "lose" || option.value === "duplicate") !== about;
      if (f.do.selectedOptions[0]?.disabled) f.do.value = about ? "lose" : "crash";
      ui.fork.querySelector(".dp-value").hidden = f.do.value !== "slow"; ui.fork.querySelector(".dp-lasts").hidden = about;
    };
    f.target.onchange = f.do.onchange = fields; fields();
    ui.fork.hidden = false; f.do.focus();
  }
  function newest(j) { const lane = scenes[j].lane; for (let i = rowAt(j); i >= 0 && i > rowAt(j) - 400; i--) if (lane.message[i] >= 0) return lane.messages[lane.message[i]]; return null; }
  function closeFork() { ui.fork.hidden = true; scenes[0]?.canvas.focus(); }
  function sendFork(event) {
    event.preventDefault();
    const f = ui.fork.elements, about = f.target.value.startsWith("message ");
    const fault = { do: f.do.value, target: about ? f.target.value.slice(8) : f.target.value, at_s: Math.max(0, T / 1e6) };
    if (!about && Number(f.lasts.value) > 0) fault.lasts_s = Number(f.lasts.value);
    if (f.do.value === "slow") fault.value = Number(f.value.value);
    say(`running again: ${fault.target} ${FAULTS[fault.do]} at ${clock(T, view.span)}`); closeFork();
    model.send({ ask: "fork", lane: f.lane ? Number(f.lane.value) : 0, fault });
  }

  // ----------------------------------------------------------------------------------------------------- events
  const act = {
    first: () => seekStep(0), prev: () => step(-1), next: () => step(1), last: () => { seekStep(steps.n, false); T = view.model.start + view.span; show(true); say(words()); },
    play: () => (playing ? pause() : play()), zoom, fork: openFork, help, back: () => model.send({ ask: "back" }),
    row: (b) => toRow(Number(b.closest(".dp-rows").dataset.lane), Number(b.dataset.row)),
    lamp: (b) => nextBroken(1, Number(b.closest("section").dataset.lane), b.dataset.lamp),
  };
  function help() { const open = ui.keys.open; if (open) ui.keys.close(); else ui.keys.show(); root.querySelector('.dp-second [data-do="help"]').setAttribute("aria-expanded", String(!open)); if (open) scenes[0]?.canvas.focus(); else { ui.keys.querySelector("button").focus({ preventScroll: true }); ui.keys.scrollIntoView({ block: "nearest" }); } }
  function escape() {
    if (ui.keys.open) help(); else if (!ui.fork.hidden) closeFork(); else if (view.follow) follow(null); else if (view.zoom) zoomTo(outer(view.zoom)); else if (view.selected) choose(null); else return false;
    return true;
  }
  root.addEventListener("click", (event) => {
    const b = event.target.closest?.("[data-do]");
    if (b && (view.model || b.dataset.do === "help")) { act[b.dataset.do](b); if (b === ui.poster) scenes[0]?.canvas.focus({ preventScroll: true }); }
  });
  ui.time.addEventListener("input", () => { if (view.model) { pause(false); seekTime(Number(ui.time.value), false); } });
  ui.time.addEventListener("change", () => { if (view.model) say(words()); });
  ui.focus.addEventListener("change", () => setFocus(Number(ui.focus.value)));
  ui.who.addEventListener("change", () => view.model && follow(ui.who.value.trim() || null));
  ui.fork.addEventListener("submit", sendFork);

  const keys = {
    " ": () => act.play(), k: () => act.play(), ArrowLeft: (e) => (e.shiftKey ? (view.follow ? nextOfFollowed(-1) : step(-10)) : step(-1)),
    ArrowRight: (e) => (e.shiftKey ? (view.follow ? nextOfFollowed(1) : step(10)) : step(1)), Home: act.first, End: act.last,
    ArrowUp: () => select(-1), ArrowDown: () => select(1), "+": () => faster(1), "=": () => faster(1), "-": () => faster(-1), "−": () => faster(-1),
    z: zoom, f: followHere, g: openFork, l: (e) => nextBroken(e.shiftKey ? -1 : 1), "?": help,
    ...Object.fromEntries([..."0123456789"].map((d) => [d, () => scenes.length > 1 && setFocus(Number(d) - 1)])),
  };
  root.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    const at = event.target, key = event.key.length === 1 ? event.key.toLowerCase() : event.key;
    if (key === "Tab") return;
    if (key === "Escape") { if (escape()) { event.stopPropagation(); event.preventDefault(); } return; }
    event.stopPropagation();                                            // no key of ours reaches the notebook
    const typing = at.matches?.("input:not([type=range]), select, textarea"), pressing = at.tagName === "BUTTON" && (key === " " || key === "Enter");
    if (typing) { if (key === "Enter" && at === ui.who) { event.preventDefault(); follow(ui.who.value.trim() || null); scenes[0]?.canvas.focus(); } return; }
    if (pressing || !keys[key] || (!view.model && key !== "?")) return;
    event.preventDefault(); keys[key](event);
  });
  for (const name of ["keyup", "keypress"]) root.addEventListener(name, (event) => { if (event.key !== "Tab" && event.key !== "Escape") event.stopPropagation(); });

  ui.lanes.addEventListener("click", (event) => {
    if (event.target.tagName !== "CANVAS") return;
    const scene = scenes.find((one) => one.canvas === event.target), { offsetX: x, offsetY: y } = event;
    if (y > scene.bottom && view.strips.length) return seekTime(view.model.start + clamp((x - PAD) / (scene.W - 2 * PAD), 0, 1) * view.span);
    const e = discAt(view, scene, x, y);
    if (e >= 0) return follow(scene.lane.messages[scene.lane.copyMessage[e]]);
    const box = view.lay.boxes.find((b) => x >= b.x - 3 && x <= b.x + b.w + 3 && y >= b.y - TITLE && y <= b.y + b.h + FOOT);
    if (!box) return y < view.lay.height && (view.zoom ? zoomTo(outer(view.zoom)) : view.selected && choose(null));
    if (box.kind === "group" || (box.id === view.selected && box.id !== view.zoom)) { view.selected = box.id; zoomTo(box.id); } else choose(box.id);
  });
  ui.lanes.addEventListener("pointermove", (event) => {
    const scene = scenes.find((one) => one.canvas === event.target);
    if (!scene || playing) return;
    const e = discAt(view, scene, event.offsetX, event.offsetY), y = event.offsetY;
    const box = view.lay.boxes.find((b) => event.offsetX >= b.x && event.offsetX <= b.x + b.w && y >= b.y - TITLE && y <= b.y + b.h + FOOT);
    scene.canvas.style.cursor = e >= 0 || box ? "pointer" : y > scene.bottom ? "col-resize" : "default";
    scene.canvas.title = e >= 0 ? `${scene.lane.messages[scene.lane.copyMessage[e]]}: click to follow` : box ? (box.kind === "group" ? `${box.id}: click to look inside` : `${box.id}: click to choose, again to zoom`) : "";
  });

  // ------------------------------------------------------------------------------------------------- life and end
  const resize = new ResizeObserver(() => { if (view.model && root.clientWidth && (root.clientWidth !== view.width || view.ratio !== Math.min(3, devicePixelRatio || 1))) { size(); show(true); } });
  resize.observe(root);
  const themed = new MutationObserver(retheme);
  themed.observe(document.documentElement, { attributes: true, attributeFilter: ["data-theme", "class"] });
  if (document.body) themed.observe(document.body, { attributes: true, attributeFilter: ["data-jp-theme-light", "data-jp-theme-name", "data-theme", "class"] });
  dark.addEventListener?.("change", retheme);
  const told = () => { if (model.get("words")) { ui.live.textContent = model.get("words"); } };
  model.on("change:packed", load); model.on("change:words", told);
  root.classList.toggle("dp-dark", onDark(el));
  root._player = { model, stats, play, pause, step, seekTime, seekStep, follow, zoomTo, select: choose, view, get T() { return T; }, get step_at() { return k; },
    get steps() { return steps; }, get playing() { return playing; }, get scenes() { return scenes; }, get poster() { return poster; }, rowAt, words };
  load();
  return () => {
    alive = false; pause(false); resize.disconnect(); themed.disconnect(); dark.removeEventListener?.("change", retheme);
    try { model.off("change:packed", load); model.off("change:words", told); } catch { /* some hosts have no off() */ }
  };
}

/** Whether the page behind the player is dark: its own ground tells, whatever the host calls its themes. */
function onDark(el) {
  for (let at = el; at; at = at.parentElement) {
    const [r, g, b, a = 1] = (getComputedStyle(at).backgroundColor.match(/[\d.]+/g) || []).map(Number);
    if (a > 0.5) return 0.3 * r + 0.59 * g + 0.11 * b < 110;
  }
  return false;
}

/** The copy drawn at (x, y), or -1. */
function discAt(view, scene, x, y) {
  let best = -1, least = 14 * 14;
  for (let e = 0; e < scene.lane.entities; e++) {
    if (scene.stamp[e] !== scene.frame) continue;
    const d = (scene.px[e] - x) ** 2 + (scene.py[e] - y) ** 2;
    if (d < least) { least = d; best = e; }
  }
  return best >= 0 && least <= Math.max(6, view.lay.discs + 4) ** 2 ? best : -1;
}

/** A box in words. */
function boxWords(view, scene, box) {
  const { s, lane } = scene, sum = (a) => box.places.reduce((x, p) => x + a[p], 0), n = sum(s.count), bits = bitsOf(view, scene, box);
  const said = stateWords(view, scene, box, view.model.states.filter((one) => bits & one.bit)), ghosts = ghostsAt(scene, box);
  if (ghosts.length) said.push(`still at work on ${ghosts.map((one) => lane.messages[lane.copyMessage[one.copy]]).join(", ")}, whose loan is over`);
  for (const [i, slot] of lane.slots.entries()) if (slot.type === "gauge" && s.slot[i] && box.places.includes(slot.place)) {
    const at = s.slot[i] - 1;
    said.push(`${field(lane, at, "name")} ${value("", field(lane, at, "value"))} of ${value("", field(lane, at, "full"))}`);
  }
  const room = roomOf(box, lane);
  if (n) said.push(`${plural(n, "message")} ${box.kind === "tray" ? "waiting" : "here"}${room ? ` of at most ${count(room)}${n >= room ? ": full" : ""}` : ""}`);
  if (n && n <= 3) said.push([...box.places.flatMap((p) => [...copiesAt(s, p)])].map((e) => lane.messages[lane.copyMessage[e]]).join(", "));
  if (sum(s.done)) said.push(`${count(sum(s.done))} done`);
  if (sum(s.lost)) said.push(`${count(sum(s.lost))} lost`);
  if (sum(s.refused)) said.push(`${count(sum(s.refused))} refused`);
  return said.join(", ") || "empty";
}

/** A whole picture in words. */
function describeState(view, scene) {
  const b = balance(scene.s), road = scene.s.count[scene.s.road];
  return `${view.lay.boxes.map((box) => `${box.id} ${boxWords(view, scene, box)}.`).join(" ")}${road ? ` ${plural(road, "message")} on the way.` : ""} `
    + `Offered ${b.offered} = ${ACCOUNTS.map((name) => `${name} ${b[name]}`).join(" + ")}.`;
}

// ------------------------------------------------------------------------------------------------------------ 8 host
/** Stands in for the widget's model in a page without a kernel. */
export function staticModel(state) {
  const heard = {};
  return {
    get: (name) => state[name],
    set: (name, x) => { state[name] = x; (heard[`change:${name}`] || []).forEach((f) => f()); },
    on: (event, f) => { (heard[event] ||= []).push(f); },
    off: (event, f) => { heard[event] = (heard[event] || []).filter((x) => x !== f); },
    save_changes() {}, send() {},
  };
}

export { render };
export default { render };
