// A row as a sentence, durations and numbers for people.

import { field } from "./rows.js";

export const clamp = (x, low, high) => Math.max(low, Math.min(high, x));
export const trim = (x, digits) => String(Number(x.toPrecision(digits)));

/** Microseconds for people: 20 ms, 1.5 s, 2 min 5 s, 3 d 4 h. */
export function duration(us) {
  const x = Math.abs(us), sign = us < 0 ? "-" : "";
  if (x < 1e3) return `${sign}${trim(x, 3)} µs`;
  if (x < 999.5e3) return `${sign}${trim(x / 1e3, 3)} ms`;
  if (x < 60e6) return `${sign}${trim(x / 1e6, 3)} s`;
  const s = Math.round(x / 1e6), h = Math.floor(s / 3600), min = Math.floor((s % 3600) / 60), rest = s % 60;
  if (h >= 48) return `${sign}${Math.floor(h / 24)} d${h % 24 ? ` ${h % 24} h` : ""}`;
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
        : value(name, field(lane, i, name))).trimEnd();                // what has no unit ends with its value
}

const HOUR = 3600e6;
const tenths = (us) => Math.round(us / 1e5);                           // rounded first: 59.96 s is a minute, not 60.0 s of the one before
/** A moment of a run, as exact as the run is long. */
export const clock = (us, span) => (span >= 72 * HOUR ? `${Math.floor(us / (24 * HOUR))} d ${Math.floor(us / HOUR) % 24} h`
  : span >= 3 * HOUR ? `${Math.floor(us / HOUR)} h ${String(Math.floor(us / 60e6) % 60).padStart(2, "0")} min`
  : tenths(us) >= 600 && span >= 120e6 ? `${Math.floor(tenths(us) / 600)} min ${((tenths(us) % 600) / 10).toFixed(1)} s`
  : span >= 2e6 ? `${(us / 1e6).toFixed(span >= 20e6 ? 1 : 2)} s` : span >= 2e3 ? `${(us / 1e3).toFixed(2)} ms` : `${us} µs`);
export const plural = (n, one) => `${n.toLocaleString("en-US")} ${one}${n === 1 ? "" : "s"}`;
