// The form that asks for the same run with a fault added.

import { trim } from "./words.js";
import { natural } from "./layout.js";

/** What a fault does, in words. */
export const FAULTS = { crash: "crashes", slow: "runs slowly", split: "is cut off", lose: "is lost", duplicate: "is doubled" };

const ABOUT = "message ";                                               // a message may be struck like a place

/** Whether messages of a run go over a network, where they can be lost or doubled. */
export const hasNetwork = (lane) => lane.kind.some((code) => lane.kinds[code].name === "send" || lane.kinds[code].name === "answer");

/** Whether anything of a run can be struck. */
export const isStruck = (lane) => lane.header.machines.length > 0 || hasNetwork(lane);

/** The places that can be struck: those that are machines, or stand in one. */
export function struckable(graph, lanes) {
  const above = (name) => name.split("/").map((_, n, all) => all.slice(0, n + 1).join("/")), machines = new Set(lanes.flatMap((lane) => lane.header.machines));
  return [...new Set(graph.names.filter((_, p) => graph.used[p] & 2).flatMap(above))].filter((name) => machines.has(name)).sort(natural);
}

/** Fill the form anew; `place` or the followed message is chosen. */
export function fillForm(form, { from, lasts_s, titles, lane, places, place, message, followed }) {
  form.innerHTML = `<b>From ${from} on</b>
    <select name="target" aria-label="What is struck"></select>
    <select name="do" aria-label="What happens">${Object.entries(FAULTS).map(([name, w]) => `<option value="${name}">${w}</option>`).join("")}</select>
    <label class="dp-value">to <input name="value" type="number" min="0" max="1" step="0.05" value="0.2"> of its speed</label>
    <label class="dp-lasts">for <input name="lasts" type="number" min="0" step="any" value="${trim(Math.max(lasts_s, 1e-6), 2)}"> s</label>
    ${titles.length > 1 ? '<label>in <select name="lane"></select></label>' : ""}
    <button type="submit">Run again</button> <button type="button" data-do="fork">Cancel</button>`;
  const f = form.elements, about = followed ?? message;
  f.target.append(...places.map((name) => new Option(name, name)), ...(about ? [new Option(ABOUT + about, ABOUT + about)] : []));
  if (f.lane) { f.lane.append(...titles.map((title, i) => new Option(title || `lane ${i + 1}`, String(i)))); f.lane.value = String(lane); }
  f.target.value = followed ? ABOUT + followed : places.includes(place) ? place : places.at(-1) ?? "";
  if (followed) f.do.value = "lose";
  const fit = () => {
    const isMessage = f.target.value.startsWith(ABOUT);
    for (const option of f.do.options) option.hidden = option.disabled = (option.value === "lose" || option.value === "duplicate") !== isMessage;
    if (f.do.selectedOptions[0]?.disabled) f.do.value = isMessage ? "lose" : "crash";
    form.querySelector(".dp-value").hidden = f.do.value !== "slow"; form.querySelector(".dp-lasts").hidden = isMessage;
  };
  f.target.onchange = f.do.onchange = fit; fit();
}

/** What the form asks for, at this second: the lane to run again and the fault as data. */
export function asked(form, at_s) {
  const f = form.elements, isMessage = f.target.value.startsWith(ABOUT);
  const fault = { do: f.do.value, target: isMessage ? f.target.value.slice(ABOUT.length) : f.target.value, at_s };
  if (!isMessage && Number(f.lasts.value) > 0) fault.lasts_s = Number(f.lasts.value);
  if (f.do.value === "slow") fault.value = Number(f.value.value);
  return { lane: f.lane ? Number(f.lane.value) : 0, fault };
}
