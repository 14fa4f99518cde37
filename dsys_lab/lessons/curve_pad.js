// A pad on which a curve is dragged by hand. Mouse, pen or finger draw; with the keyboard, Left and Right walk along
// the axis, Up and Down lift the line there, Delete clears. What stands under the caret is said in words below.
//
// The model holds `ys` (one height a place, null where nothing is drawn), `x_axis` and `y_axis` ([lo, hi, unit]).

const WIDTH = 720, HEIGHT = 290, LEFT = 62, RIGHT = 18, TOP = 12, BOTTOM = 44;
const STRIDE = 3;           // the keyboard walks over every third place and draws straight lines between
const SVG = "http://www.w3.org/2000/svg";

/** The heights after a straight stroke from place a at height ya to place b at height yb. */
export function stroke(ys, a, ya, b, yb) {
  const drawn = ys.slice();
  const [from, to] = a <= b ? [a, b] : [b, a];
  for (let i = from; i <= to; i++) drawn[i] = a === b ? yb : ya + (yb - ya) * (i - a) / (b - a);
  return drawn;
}

/** Round numbers, about five, from lo to hi. */
export function ticks(lo, hi) {
  const rough = (hi - lo) / 5, power = 10 ** Math.floor(Math.log10(rough));
  const step = [1, 2, 5, 10].map((k) => k * power).find((s) => s >= rough * 0.75);
  const found = [];
  for (let t = Math.ceil(lo / step) * step; t <= hi + step * 1e-6; t += step) found.push(Number(t.toPrecision(6)));
  return found;
}

const STYLE = `
.dsys-pad{max-width:${WIDTH}px;font:13px/1.45 var(--jp-ui-font-family,system-ui,sans-serif);color:var(--jp-content-font-color1,#24292f)}
.dsys-pad svg{width:100%;height:auto;display:block;touch-action:none;cursor:crosshair;background:var(--jp-layout-color1,#fff);
  border:1px solid var(--jp-border-color1,#c4cad0);border-radius:6px}
.dsys-pad svg:focus-visible{outline:3px solid #0072B2;outline-offset:-3px}
.dsys-pad.locked svg{cursor:default}
.dsys-pad text{fill:var(--jp-content-font-color2,#57606a);font-size:13px;user-select:none;pointer-events:none}
.dsys-pad .hint{font-size:14px;paint-order:stroke;stroke:var(--jp-layout-color1,#fff);stroke-width:8px}
.dsys-pad .grid{stroke:var(--jp-border-color2,#e1e4e8)}
.dsys-pad .curve{fill:none;stroke:#E69F00;stroke-width:4;stroke-linecap:round;stroke-linejoin:round}
.dsys-pad .caret{stroke:#8F5F00;stroke-dasharray:3 3;visibility:hidden}
.dsys-pad .dot{fill:#E69F00;stroke:var(--jp-layout-color1,#fff);stroke-width:2;visibility:hidden}
.dsys-pad svg:focus-visible .caret,.dsys-pad svg:focus-visible .dot{visibility:visible}
.dsys-pad .said{min-height:1.5em;color:var(--jp-content-font-color2,#57606a)}`;

function make(name, attributes, parent, text) {
  const node = document.createElementNS(SVG, name);
  for (const [key, value] of Object.entries(attributes)) node.setAttribute(key, value);
  if (text !== undefined) node.textContent = text;
  parent?.append(node);
  return node;
}

function render({ model, el }) {
  const [x0, x1, xUnit] = model.get("x_axis"), [y0, y1, yUnit] = model.get("y_axis");
  const last = model.get("ys").length - 1;
  const across = (i) => LEFT + (WIDTH - LEFT - RIGHT) * i / last;
  const up = (y) => HEIGHT - BOTTOM - (HEIGHT - TOP - BOTTOM) * (y - y0) / (y1 - y0);
  const within = (y) => Math.min(y1, Math.max(y0, y));

  const root = document.createElement("div");
  root.className = "dsys-pad";
  root.innerHTML = `<style>${STYLE}</style>`;
  const svg = make("svg", { viewBox: `0 0 ${WIDTH} ${HEIGHT}`, tabindex: 0, role: "application",
    "aria-roledescription": "curve to draw",
    "aria-label": `${model.get("label")} Left and Right walk along, Up and Down lift the line, Delete clears.` }, root);
  for (const t of ticks(y0, y1)) {
    make("line", { class: "grid", x1: LEFT, x2: WIDTH - RIGHT, y1: up(t), y2: up(t) }, svg);
    make("text", { class: "y-tick", x: LEFT - 8, y: up(t) + 4, "text-anchor": "end" }, svg, String(t));
  }
  for (const t of ticks(x0, x1)) {
    const at = across((t - x0) / (x1 - x0) * last);
    make("line", { class: "grid", x1: at, x2: at, y1: TOP, y2: HEIGHT - BOTTOM }, svg);
    make("text", { class: "x-tick", x: at, y: HEIGHT - BOTTOM + 18, "text-anchor": "middle" }, svg, String(t));
  }
  make("text", { x: (LEFT + WIDTH - RIGHT) / 2, y: HEIGHT - 7, "text-anchor": "middle" }, svg, xUnit);
  make("text", { x: 14, y: (TOP + HEIGHT - BOTTOM) / 2, "text-anchor": "middle",
    transform: `rotate(-90 14 ${(TOP + HEIGHT - BOTTOM) / 2})` }, svg, yUnit);
  const hint = make("text", { class: "hint", x: (LEFT + WIDTH - RIGHT) / 2, y: (TOP + HEIGHT - BOTTOM) / 2, "text-anchor": "middle" }, svg,
    "Drag here to draw your curve, or use the arrow keys");
  const caret = make("line", { class: "caret", y1: TOP, y2: HEIGHT - BOTTOM }, svg);
  const curve = make("path", { class: "curve" }, svg);
  const dot = make("circle", { class: "dot", r: 6 }, svg);
  const said = document.createElement("div");
  said.className = "said";
  said.setAttribute("aria-live", "polite");
  root.append(said);
  el.append(root);

  let ys = model.get("ys"), at = 0, pen = null;

  function show() {
    let path = "", inside = false;
    ys.forEach((y, i) => {
      if (y === null) { inside = false; return; }
      path += `${inside ? "L" : "M"}${across(i).toFixed(1)} ${up(y).toFixed(1)}`;
      inside = true;
    });
    curve.setAttribute("d", path);
    hint.style.display = path ? "none" : "";
    caret.setAttribute("x1", across(at));
    caret.setAttribute("x2", across(at));
    dot.setAttribute("cx", across(at));
    dot.setAttribute("cy", up(ys[at] ?? (y0 + y1) / 2));
    root.classList.toggle("locked", model.get("locked"));
  }

  function say() {
    const place = Number((x0 + (x1 - x0) * at / last).toPrecision(3));
    const height = ys[at] === null ? "nothing drawn" : `${Number(ys[at].toPrecision(3))} ${yUnit}`;
    said.textContent = `at ${place} ${xUnit}: ${height}`;
  }

  function keep() {
    model.set("ys", ys.slice());
    model.save_changes();
  }

  function under(event) {
    const box = svg.getBoundingClientRect();
    const x = (event.clientX - box.left) / box.width * WIDTH, y = (event.clientY - box.top) / box.height * HEIGHT;
    const i = Math.round((x - LEFT) / (WIDTH - LEFT - RIGHT) * last);
    return [Math.min(last, Math.max(0, i)), within(y0 + (HEIGHT - BOTTOM - y) / (HEIGHT - TOP - BOTTOM) * (y1 - y0))];
  }

  svg.addEventListener("pointerdown", (event) => {
    if (model.get("locked")) return;
    svg.setPointerCapture(event.pointerId);
    pen = under(event);
    ys = stroke(ys, pen[0], pen[1], pen[0], pen[1]);
    at = pen[0];
    show();
  });
  svg.addEventListener("pointermove", (event) => {
    if (!pen) return;
    const next = under(event);
    ys = stroke(ys, pen[0], pen[1], next[0], next[1]);
    pen = next;
    at = next[0];
    show();
  });
  const lift = () => { if (pen) { pen = null; say(); keep(); } };
  svg.addEventListener("pointerup", lift);
  svg.addEventListener("pointercancel", lift);

  const bend = (height) => {
    const before = Math.max(0, at - STRIDE), after = Math.min(last, at + STRIDE);
    ys = stroke(ys, before, ys[before] ?? height, at, height);
    if (ys[after] !== null) ys = stroke(ys, at, height, after, ys[after]);
    keep();
  };
  svg.addEventListener("keydown", (event) => {
    const step = (y1 - y0) / (event.shiftKey ? 5 : 50);
    const walk = { ArrowLeft: Math.max(0, at - STRIDE), ArrowRight: Math.min(last, at + STRIDE), Home: 0, End: last };
    const lifted = { ArrowUp: step, ArrowDown: -step };
    if (event.key in walk) {
      const height = ys[at];
      const to = walk[event.key];
      if (!model.get("locked") && event.key === "ArrowRight" && height !== null && ys[to] === null) {
        ys = stroke(ys, at, height, to, height);
        keep();
      }
      at = to;
    } else if (model.get("locked")) {
      return;
    } else if (event.key in lifted) {
      bend(within((ys[at] ?? (y0 + y1) / 2) + lifted[event.key]));
    } else if (event.key === "Delete" || event.key === "Backspace") {
      ys = ys.map(() => null);
      keep();
    } else {
      return;
    }
    event.preventDefault();
    event.stopPropagation();
    show();
    say();
  });
  const changed = () => { if (!pen) { ys = model.get("ys"); show(); } };
  model.on("change:ys", changed);
  model.on("change:locked", show);
  show();
  return () => { model.off("change:ys", changed); model.off("change:locked", show); };
}

export default { render };
