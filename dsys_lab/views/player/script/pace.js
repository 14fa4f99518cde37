// How fast a run is watched: seconds for the whole of it, and how long an effect lasts in the run's own time.

import { clamp } from "./words.js";

export const SPEEDS = [0.1, 0.25, 0.5, 1, 2, 4, 8, 16];
export const EASE_MS = 75;                                              // in which a disc is at home after a leap
const EFFECT_S = 0.75, FLIGHT_S = 0.3;                                  // of watching, at speed 1

const rowsOfFollowed = ({ header, messages, message }) => (header.follow ? message.filter((m) => m === messages.indexOf(header.follow)).length : 0);

/** The pace of a run of so many steps. */
export function paceOf(run, steps) {
  const followed = Math.max(0, ...run.lanes.map(rowsOfFollowed));      // who is followed is seen at each of its rows
  const span = Math.max(1, run.end - run.start), base = clamp(Math.max(steps / 110, followed / 3), 8, 24);        // seconds of watching at speed 1
  const leaving = Math.max(0, ...run.lanes.map((lane) => lane.leaving)) / base;           // in a second of watching
  return {
    span, base, busy: leaving > 18,
    effect: (clamp(16 / Math.max(1, leaving), 0.32, EFFECT_S) * span) / base, flight: (FLIGHT_S * span) / base,
    rare: run.kinds.map((_, code) => run.lanes.every((lane) => lane.rowsOfKind[code] <= 3 * base)),
  };
}
