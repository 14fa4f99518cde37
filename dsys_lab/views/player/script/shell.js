// The page around the canvases.

import { clock, describe, plural } from "./words.js";
import { count } from "./stage.js";
import { SPEEDS } from "./pace.js";

const ICON = {
  first: '<path d="M3 3v10M13 3 6 8l7 5z"/>', back: '<path d="M12 3 5 8l7 5z"/>', play: '<path d="M4 2.5v11l9-5.5z"/>',
  pause: '<path d="M4 3h3v10H4zM9 3h3v10H9z"/>', next: '<path d="M4 3l7 5-7 5z"/>', last: '<path d="M13 3v10M3 3l7 5-7 5z"/>',
};
export const icon = (name) => `<svg viewBox="0 0 16 16" aria-hidden="true">${ICON[name]}</svg>`;
const KEYS = [
  ["Space", "play or pause"], ["← →", "one row back, one row on"], ["Shift ← →", "ten rows; with a message followed, its next row"],
  ["Home End", "the first row, the last row"], ["+ −", "faster, slower"], ["↑ ↓", "choose a place"], ["Z", "zoom to the place chosen, and out again"],
  ["F", "follow the message of this row; again: let go"], ["L", "the next row that breaks a promise"], ["1 2 … 0", "step one lane only; 0: all"],
  ["G", "fork: run again with a fault added here"], ["Esc", "close, let go, zoom out"], ["?", "these keys"],
];
const MARKS = [
  ["✓", "done there"], ["↷", "skipped: it came there, and nothing was done for it"], ["✗", "lost there"], ["⊖", "refused there"], ["–", "it concerned nobody"],
];

export const SHELL = `
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
    <h4>Numbers below a place</h4><dl>${MARKS.map(([k, w]) => `<dt>${k}</dt><dd>${w}</dd>`).join("")}</dl>
    <button type="button" data-do="help">Close</button></dialog>`;

/** The section of one lane: its title, its lamps, its canvas, its words. */
export function sectionOf(lane, j, { alone, twin }) {
  const section = document.createElement("section");
  section.className = "dp-lane"; section.dataset.lane = j; section.setAttribute("aria-label", lane.title || `Lane ${j + 1}`);
  section.innerHTML = `<header><h4></h4><div class="dp-lamps" role="list" aria-label="Promises"></div></header>
    <canvas role="img" tabindex="${j ? -1 : 0}" aria-describedby="${twin}"></canvas><p class="dp-words"></p>`;
  section.querySelector("h4").textContent = lane.title || (alone ? "" : `Lane ${j + 1}`);
  section.querySelector(".dp-lamps").append(...lane.lamps.map(lampOf));
  return section;
}

/** The list for the rows of a followed message. */
export function listOf(lane, j) {
  const list = document.createElement("ol");
  list.className = "dp-rows"; list.hidden = true; list.dataset.lane = j;
  list.setAttribute("aria-label", `Rows of the followed message${lane.title ? `, ${lane.title}` : ""}`);
  return list;
}

/** The rows of the followed message, each a way to go there. */
export function itemsOf(lane, rows, { follow, span }) {
  const item = (content) => { const li = document.createElement("li"); li.append(content); return li; };
  if (!rows.length) return [item(`${follow} does not occur in this run.`)];
  return rows.slice(0, 300).map((i) => {
    const b = document.createElement("button"), t = document.createElement("time");
    b.type = "button"; b.dataset.do = "row"; b.dataset.row = i; b.tabIndex = -1;
    t.textContent = clock(lane.time[i], span); b.append(t, ` ${describe(lane, i)}`);
    return item(b);
  });
}

/** A promise: green where it held, red with the way to the next row that breaks it. */
function lampOf(lamp) {
  const n = lamp.rows.length, it = document.createElement(n ? "button" : "span"), item = document.createElement("span");
  it.className = `dp-lamp ${n ? "dp-red" : "dp-green"}`; it.title = lamp.meaning + (n ? ` Broken by ${plural(n, "row")}: press to go to the next.` : " It held.");
  if (n) { it.type = "button"; it.dataset.do = "lamp"; it.dataset.lamp = lamp.name; }
  it.innerHTML = n ? '<svg viewBox="0 0 12 12" aria-hidden="true"><path d="M6 .8 11.4 11H.6z"/></svg>' : '<svg viewBox="0 0 12 12" aria-hidden="true"><circle cx="6" cy="6" r="5.2"/><path d="m3.4 6.2 1.8 1.9 3.5-4" class="dp-tick"/></svg>';
  it.append(n ? `${lamp.name}: broken ${count(n)}×` : lamp.name);
  it.setAttribute("aria-label", n ? `${lamp.name}: broken by ${plural(n, "row")}, go to the next` : `${lamp.name}: held`);
  item.setAttribute("role", "listitem"); item.append(it);
  return item;
}

/** Marks over the time slider: faults (black) and broken promises (vermillion). */
export function ticksOf(run, span) {
  const marks = [];
  for (const lane of run.lanes) {
    for (const [a, b] of lane.faultSpans) marks.push(["dp-fault", a, b]);
    for (const lamp of lane.lamps) for (const i of lamp.rows.slice(0, 60)) marks.push(["dp-broken", lane.time[i], lane.time[i]]);
  }
  const at = (t) => (100 * (t - run.start)) / span;
  return marks.slice(0, 240).map(([name, a, b]) => `<i class="${name}" style="left:${at(a).toFixed(2)}%;width:${Math.max(0, at(b) - at(a)).toFixed(2)}%"></i>`).join("");
}

/** Whether the page behind the player is dark: its own ground tells, whatever the host calls its themes. */
export function onDark(el) {
  for (let at = el; at; at = at.parentElement) {
    const [r, g, b, a = 1] = (getComputedStyle(at).backgroundColor.match(/[\d.]+/g) || []).map(Number);
    if (a > 0.5) return 0.3 * r + 0.59 * g + 0.11 * b < 110;
  }
  return false;
}
