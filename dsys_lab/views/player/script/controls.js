// A player at work: a run comes in, is shown, played, stepped, followed, zoomed, forked.

import { ACCOUNTS } from "./rows.js";
import { decode } from "./decode.js";
import { clamp, clock, describe, plural } from "./words.js";
import { seek } from "./fold.js";
import { brokenRows, stepsOf, stripNames, timeline, upper } from "./timeline.js";
import { FOOT, PAD, TITLE, graphOf, layout } from "./layout.js";
import { count, fit, font, paletteOf, sceneOf } from "./stage.js";
import { scaleOf } from "./strips.js";
import { draw, prepare } from "./draw.js";
import { EASE_MS, SPEEDS, paceOf } from "./pace.js";
import { SHELL, icon, itemsOf, listOf, onDark, sectionOf, ticksOf } from "./shell.js";
import { FAULTS, asked, fillForm, hasNetwork, isStruck, struckable } from "./fork.js";
import { boxWords, describeState, discAt } from "./picture.js";

let players = 0;

export function mount({ model, el }) {
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
    steps = stepsOf(lanes);
    graph = graphOf(run, memory);
    if (!graph.nodes.has(view.zoom)) view.zoom = "";
    if (!old) ui.who.value = view.follow = lanes.map((lane) => lane.header.follow).find(Boolean) ?? null;   // the run may name whom to follow
    if (view.follow && !lanes.some((lane) => lane.messages.includes(view.follow))) view.follow = null;
    Object.assign(view, paceOf(run, steps.n));
    view.strips = stripNames(lanes);
    view.references = Object.assign({}, ...lanes.map((lane) => lane.header.references || {}));
    view.scales = new Map(view.strips.map((name) => [name, scaleOf(name, lanes)]));
    view.offered = Math.max(0, ...lanes.map((lane) => lane.final.offered));
    view.accounts = ACCOUNTS.filter((name, i) => i < 3 || lanes.some((lane) => lane.final[name] > 0));
    view.crowd = Math.max(0, ...lanes.map((lane) => lane.peak[run.places.length]));
    stats.decode_ms = performance.now() - before;
    shell(run); focus = Math.min(focus, lanes.length - 1);
    root.classList.remove("dp-refused");
    size();
    let why = "";
    if (share >= 0 && !((poster || old.lanes[0]?.header.scenario !== lanes[0].header.scenario) && run.head.opening)) { T = run.start + share * view.span; k = upper(steps.time, T) - 1; show(true); }
    else { poster = steps.n > 1; if (poster) why = openAt(); else { k = steps.n; T = k ? steps.time[k] : run.start; } show(true); }
    setPoster(poster);
    say(run.rows ? `${why ? `${why}. ` : ""}${words()}` : "This run left no rows.");
    stats.loads++; seq++;
    requestAnimationFrame(() => { if (!alive) return; stats.paint_ms = performance.now() - before; root.dataset.seq = String(seq); root.dataset.rows = String(run.rows); });
  }

  function refuse(sentence) {
    view.model = null; scenes = []; ui.lanes.innerHTML = ui.lives.innerHTML = ""; setPoster(false); root.classList.add("dp-refused");
    root.setAttribute("aria-label", "Player"); say(sentence); root.dataset.seq = String(++seq); stats.loads++;
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
      const section = sectionOf(lane, j, { alone: one, twin: ui.twin.id });
      const list = listOf(lane, j);
      ui.lanes.append(section); ui.lives.append(list);
      const scene = sceneOf(lane, section.querySelector("canvas"));
      scene.canvas.setAttribute("aria-label", `Picture of ${lane.title || "the run"}`);
      return Object.assign(scene, { section, words: section.querySelector(".dp-words"), list });
    });
    ui.time.min = run.start; ui.time.max = run.start + view.span;
    $(".dp-lane-label").hidden = one;
    ui.focus.innerHTML = "";
    ui.focus.append(new Option("all lanes", "-1"), ...run.lanes.map((lane, j) => new Option(`lane ${j + 1}${lane.title ? `: ${lane.title}` : ""}`, String(j))));
    ui.focus.value = String(focus);
    ui.forking.hidden = !model.get("can_fork") || !run.lanes.some(isStruck);
    ui.note.hidden = !run.head.note; ui.note.firstElementChild.textContent = run.head.note || "";
    ui.note.querySelector("button").hidden = !run.head.back;
    ui.ticks.innerHTML = ticksOf(run, view.span); rows();
    if (!model.get("can_fork")) ui.fork.hidden = true;
  }

  // --------------------------------------------------------------------------------------------- sizes, colours
  function size() {
    if (!view.model) return;
    root.classList.toggle("dp-dark", onDark(el));   // only here: a player made before it hangs in its page learns its ground with its width
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
    const { crowd } = view;
    view.roadRadius = Math.max(2, Math.min(crowd <= 40 ? 8 : crowd <= 150 ? 6.5 : crowd <= 500 ? 4.5 : 3.2, Math.max(4, view.lay.discs)));
    for (const scene of scenes) { scene.W = W; prepare(view, scene, held.lane); held.lane = Math.max(held.lane, scene.H); }
    ui.lanes.style.minHeight = held.lanes && !first ? `${held.lanes}px` : "";
    held.lanes = ui.lanes.offsetHeight;
    ui.poster.style.top = `${ui.lanes.offsetTop + scenes[0].canvas.offsetTop + view.lay.height - 42}px`;
    ui.zoom.textContent = view.zoom ? `◂ out of ${view.zoom}` : "zoom"; ui.zoom.disabled = !view.zoom && !view.selected;
    view.width = wide;
  }
  function retheme() {
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
  function faster(d) { ui.speed.value = String(SPEEDS[clamp(SPEEDS.indexOf(Number(ui.speed.value)) + d, 0, SPEEDS.length - 1)]); ui.live.textContent = `speed ${ui.speed.value}×`; }

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
      list.append(...itemsOf(lane, rowsOf(lane), view));
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
  function zoomTo(id) { view.zoom = id; size(); show(true); say(id ? `zoomed to ${id}` : "all places"); }
  const zoom = () => (view.zoom && (!view.selected || view.selected === view.zoom || !graph.nodes.has(view.selected)) ? zoomTo(outer(view.zoom)) : view.selected ? zoomTo(view.selected) : say("choose a place first: arrow up and down"));
  const outer = (id) => { const it = graph.nodes.get(id)?.parent; return it && it !== graph.root && it.children.length > 1 ? it.id : ""; };
  function setFocus(j) { focus = j < scenes.length ? j : -1; ui.focus.value = String(focus); scenes.forEach((scene, i) => scene.section.classList.toggle("dp-focused", i === focus)); say(focus < 0 ? "stepping all lanes" : `stepping ${scenes[focus].lane.title || `lane ${focus + 1}`}`); }
  /** The next row that breaks a promise (of one lamp, or of any in the lanes in focus), round and round. */
  function nextBroken(d = 1, lane = focus, lamp = "") {
    const at = brokenRows(view.model.lanes, lane, lamp);
    if (!at.length) return say("Every promise was kept.");
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
    if (!ui.fork.hidden) return closeFork(); else pause(false);
    if (ui.forking.hidden) return say("No machine and no network takes part in this run: nothing of it can be struck.");
    const j = Math.max(0, focus), at = view.selected && graph.nodes.has(view.selected) ? view.selected : view.zoom || placeNow(j);
    fillForm(ui.fork, { from: clock(T, view.span), lasts_s: view.span / 1e7, titles: scenes.map((scene) => scene.lane.title), lane: j, places: struckable(graph, view.model.lanes), place: at, ...(hasNetwork(scenes[j].lane) ? { message: newest(j), followed: view.follow } : {}) });
    ui.fork.hidden = false; ui.fork.elements.do.focus();
  }
  const placeNow = (j) => { const lane = scenes[j].lane, i = rowAt(j); return i < 0 ? "" : lane.places[lane.place[i]]; };
  function newest(j) { const lane = scenes[j].lane; for (let i = rowAt(j); i >= 0 && i > rowAt(j) - 400; i--) if (lane.message[i] >= 0) return lane.messages[lane.message[i]]; return null; }
  function closeFork() { ui.fork.hidden = true; scenes[0]?.canvas.focus(); }
  function sendFork(event) {
    event.preventDefault();
    const { lane, fault } = asked(ui.fork, Math.max(0, T / 1e6));
    say(`running again: ${fault.target} ${FAULTS[fault.do]} at ${clock(T, view.span)}`); closeFork();
    model.send({ ask: "fork", lane, fault });
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
  root._player = { model, stats, play, pause, step, seekTime, seekStep, follow, zoomTo, select: choose, view, get T() { return T; }, get step_at() { return k; },
    get steps() { return steps; }, get playing() { return playing; }, get scenes() { return scenes; }, get poster() { return poster; }, rowAt, words };
  load();
  return () => {
    alive = false; pause(false); resize.disconnect(); themed.disconnect(); dark.removeEventListener?.("change", retheme);
    try { model.off("change:packed", load); model.off("change:words", told); } catch { /* some hosts have no off() */ }
  };
}
