// Bytes -> model: lanes of typed columns over one table of places. pack.py says how they are laid out.

import { ACCOUNTS, HOLES, MAGIC, TYPES, VERBS, placeId } from "./rows.js";
import { compile } from "./fold.js";

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
    unless: ACCOUNTS.indexOf(kind.unless) + 1, hole: HOLES.indexOf(kind.hole) + 1, set: bitsOf([kind.state]), clear: bitsOf(kind.ends) }));
  const model = { head, kinds, states, faulty: states.reduce((sum, one) => sum | (one.fault ? one.bit : 0), 0), places: [], placeIds: new Map(), keys: new Map(), lanes: [] };
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
