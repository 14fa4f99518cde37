// One lane drawn: once for a size, and once a frame.

import { ACCOUNTS } from "./rows.js";
import { PAD } from "./layout.js";
import { LEDGER, LEGEND, STRIP, drawStage, isThere } from "./stage.js";
import { drawDiscs, gatherRoad } from "./discs.js";
import { drawInside } from "./inside.js";
import { drawEffects, drawTags, drawTrail } from "./marks.js";
import { drawOver } from "./states.js";
import { drawCurves, drawLedger, drawStrips } from "./strips.js";

/** The lower part of a lane: how high it is, and the curves, drawn once. */
export function prepare(view, scene, least = 0) {
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

/** One frame of one lane at the moment `T`; `ease` is how far discs go on towards their place (1: at once). */
export function draw(view, scene, T, ease) {
  const { g, W, H, s, lane } = scene, { lay, palette: c, ratio } = view;
  g.setTransform(ratio, 0, 0, ratio, 0, 0);
  g.fillStyle = c.stage; g.fillRect(0, 0, W, H);
  g.drawImage(scene.still, 0, 0, W, lay.height);
  g.lineCap = g.lineJoin = "round"; g.textBaseline = "alphabetic";
  scene.frame++; scene.now = T; scene.leases.length = 0;
  for (const list of scene.styles) list.length = 0;
  scene.rings.length = scene.named.length = 0;
  const there = lay.boxes.filter((box) => isThere(lane, box));
  for (const box of there) drawInside(view, scene, box, T, ease);
  gatherRoad(view, scene, T, ease);
  if (view.follow) drawTrail(view, scene);
  drawDiscs(view, scene);
  const tags = drawEffects(view, scene, T);
  for (const box of there) drawOver(view, scene, box);
  drawTags(view, g, tags);
  if (view.offered) drawLedger(view, scene);
  if (view.strips.length) drawStrips(view, scene, T);
}
