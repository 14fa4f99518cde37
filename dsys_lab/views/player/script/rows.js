// What a row is: the verbs and the accounts that `dsys_lab/trace/kinds.py` speaks of, and how a field is read from
// columns.

export const MAGIC = "DSYSRUN1";
export const TYPES = { f64: Float64Array, i32: Int32Array, u16: Uint16Array, u8: Uint8Array };
export const VERBS = ["put", "take", "move", "arrive", "bounce", "burst", "fade", "touch", "skip", "open", "split", "mark",
  "line", "measure", "say"];
export const [PUT, TAKE, MOVE, ARRIVE, BOUNCE, BURST, FADE, TOUCH, SKIP, OPEN, SPLIT, MARK, LINE, MEASURE, SAY] = VERBS.keys();
export const HOLES = ["open", "known", "filled"];
export const ACCOUNTS = ["done", "stored", "in flight", "dropped", "expired", "dead", "rejected", "unmatched"];
export const [DONE, STORED, IN_FLIGHT, DROPPED, EXPIRED, SET_ASIDE, , UNMATCHED] = ACCOUNTS.map((_, i) => i + 1);

export function placeId(model, name) {
  let id = model.placeIds.get(name);
  if (id === undefined) { id = model.places.push(name) - 1; model.placeIds.set(name, id); }
  return id;
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
