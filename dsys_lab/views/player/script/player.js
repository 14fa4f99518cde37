// The player: a run, shown.
//
// A run arrives as one container of bytes (pack.py says how it is laid out). Its rows are folded into a state; the state
// is laid out as places with messages in them, and drawn. Nothing is remembered between two pictures but the state,
// so a picture is a function of (rows applied, moment): scrubbing back shows exactly what playing forward showed.
//
// In reading order: rows, decode, words, fold, timeline, layout (pure, and tested under Node); stage, discs, tiles, inside,
// marks, states, strips, draw (the canvas); pace, shell, fork, picture, controls (the page around it); host (a page without
// a kernel). In that order they are joined to one module, for a widget has room for one text (page.py).

import { mount } from "./controls.js";

export * from "./rows.js";
export * from "./decode.js";
export * from "./words.js";
export * from "./fold.js";
export * from "./timeline.js";
export * from "./layout.js";
export * from "./stage.js";
export * from "./discs.js";
export * from "./tiles.js";
export * from "./inside.js";
export * from "./marks.js";
export * from "./states.js";
export * from "./strips.js";
export * from "./draw.js";
export * from "./pace.js";
export * from "./shell.js";
export * from "./fork.js";
export * from "./picture.js";
export * from "./controls.js";
export * from "./host.js";
export default { render: mount };
