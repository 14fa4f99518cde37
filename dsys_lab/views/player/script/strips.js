// Under the stage: the ledger, and the strips over time.

import { ACCOUNTS } from "./rows.js";
import { clamp, trim } from "./words.js";
import { balance, counters } from "./fold.js";
import { upper } from "./timeline.js";
import { PAD } from "./layout.js";
import { LEGEND, STRIP, TAU, count, fit, font } from "./stage.js";
import { cross, hop, tick } from "./marks.js";

/** The ledger: what was offered, and where each copy stands; on one scale for all lanes and the whole run. */
export function drawLedger(view, scene) {
  const { g, s, W } = scene, { lay, palette: c } = view, y = lay.height, b = balance(s), now = counters(s);
  g.strokeStyle = c.line; g.lineWidth = 1; g.beginPath(); g.moveTo(0, y + 0.5); g.lineTo(W, y + 0.5); g.stroke();
  let x = PAD;
  g.textAlign = "left"; g.font = font(13, 600);
  for (const [name, ink, mark] of [["done", c["done-ink"], 0], ["skipped", c.soft, 4], ["again", c["again-ink"], 1], ["lost", c["lost-ink"], 2], ["unmatched", c.soft, 3]]) {
    if ((mark === 3 && !view.accounts.includes(name)) || (mark === 4 && !scene.lane.skips)) continue;
    g.strokeStyle = g.fillStyle = ink; g.lineWidth = 2.2;
    if (mark === 0) tick(g, x + 5, y + 16, 8);
    else if (mark === 1) { g.beginPath(); g.arc(x + 5, y + 16, 4.6, 0, TAU); g.stroke(); }
    else if (mark === 2) cross(g, x + 5, y + 16, 4);
    else if (mark === 4) hop(g, x + 5, y + 17, 4);
    else { g.beginPath(); g.moveTo(x, y + 16); g.lineTo(x + 10, y + 16); g.stroke(); }
    const text = `${mark === 4 ? "of them " : ""}${count(now[name])} ${name}`;
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
  const c = view.palette, solid = { done: c.done, stored: c["waiting-fill"], "in flight": c.moving, dropped: c.lost, expired: c.box, dead: c.fg, rejected: c.box, unmatched: c.line };
  g.fillStyle = solid[name]; g.fillRect(x, y, w, h);
  if (w < 3) { if (name === "expired" || name === "rejected") { g.fillStyle = c.lost; g.fillRect(x, y, w, h); } return; }
  g.strokeStyle = name === "stored" ? c.waiting : name === "expired" || name === "rejected" ? c.lost : solid[name]; g.lineWidth = 1.2;
  g.strokeRect(x + 0.6, y + 0.6, w - 1.2, h - 1.2);
  if (name === "done" || name === "stored" || name === "in flight" || name === "dead" || name === "unmatched") return;
  g.save(); g.beginPath(); g.rect(x, y, w, h); g.clip(); g.beginPath(); g.strokeStyle = name === "dropped" ? c.box : c.lost; g.lineWidth = 1.3;
  for (let i = -h; i < w + h; i += 5) {
    if (name === "rejected") { g.moveTo(x + i, y); g.lineTo(x + i, y + h); } else { g.moveTo(x + i, y + h); g.lineTo(x + i + h, y); }
  }
  g.stroke(); g.restore();
}

// the strips: drawn once for the whole run; a frame adds the cursor, what is past stands out from what is to come
const timeX = (view, scene, t) => PAD + clamp((t - view.model.start) / view.span, 0, 1) * (scene.W - 2 * PAD);
const stripY = (view, name, y) => STRIP - 6 - (clamp(y / view.scales.get(name), -0.05, 1.05)) * (STRIP - 22);

export function drawCurves(view, scene, g) {
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

export function drawStrips(view, scene, T) {
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
      words += `${j ? "  ·  " : "  "}${strip.lines.length > 1 ? `${line.label.split("/").pop()} ` : ""}${number(y)}`;
    });
    const end = label(view, g, "", reference ? reference.label : `up to ${number(view.scales.get(name))}`, W - PAD - 2, y0 + 12, "right");
    label(view, g, name, words + (words && strip.unit ? ` ${strip.unit}` : ""), PAD + 2, y0 + 12, "left", W - 2 * PAD - end - 14);
  });
}

const number = (y) => (Number.isInteger(y) ? count(y) : trim(y, 3));

/** Words on a strip, with the ground behind them so that a curve does not run through. */
function label(view, g, bold, words, x, y, align, room = Infinity) {
  const c = view.palette;
  g.font = font(11, 600); const w0 = bold ? g.measureText(bold).width : 0;
  g.font = font(11); const text = fit(g, words, room - w0), w = w0 + g.measureText(text).width, left = align === "left" ? x : x - w;
  g.fillStyle = c.stage; g.globalAlpha = 0.92; g.fillRect(left - 2, y - 10, w + 4, 13); g.globalAlpha = 1;
  g.textAlign = "left"; g.fillStyle = c.soft; g.fillText(text, left + w0, y);
  if (bold) { g.font = font(11, 600); g.fillStyle = c.fg; g.fillText(bold, left, y); }
  return w;
}

/** The greatest value that a strip shows in any lane, a law's line included unless it is far off. */
export function scaleOf(name, lanes) {
  let top = 0;
  for (const lane of lanes) for (const strip of lane.strips) if (strip.name === name) for (const line of strip.lines) for (const y of line.y) if (y > top) top = y;
  for (const lane of lanes) { const r = lane.header.references?.[name]; if (r && r.value < 3 * top) top = Math.max(top, r.value); }
  return top || 1;
}
