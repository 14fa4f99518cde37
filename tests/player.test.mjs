// The player's pure half, held against brute force and against Python's own words and ledger.
// Run by tests/test_player.py, which writes the runs: node --test tests/player.test.mjs, with RUNS=<folder>.
import assert from "node:assert/strict";
import { readFileSync, readdirSync } from "node:fs";
import test from "node:test";
import { pathToFileURL } from "node:url";

const folder = process.env.RUNS;
const player = await import(pathToFileURL(`${folder}/player.mjs`));
const names = readdirSync(folder).filter((name) => name.endsWith(".run")).map((name) => name.slice(0, -4));
const bytes = (name) => { const b = readFileSync(`${folder}/${name}.run`); return b.buffer.slice(b.byteOffset, b.byteOffset + b.byteLength); };
const told = (name) => JSON.parse(readFileSync(`${folder}/${name}.json`));
const open = (name) => { const run = player.decode(bytes(name)); run.lanes.forEach((lane) => player.timeline(run, lane)); return run; };

/** What a state shows, without the order of its memory: two states that show the same are equal here. */
const shown = (s) => [...s.all];

test("there are runs to look at", () => assert.ok(names.length >= 5, String(names)));

test("rows come out of the container as they went in", () => {
  for (const name of names) {
    const run = open(name);
    told(name).lanes.forEach((want, j) => {
      assert.equal(run.lanes[j].n, want.rows.length);
      want.rows.forEach((r, i) => assert.deepEqual(player.row(run.lanes[j], i), r, `${name} row ${i}`));
    });
  }
});

test("a view at any offset into a larger message is read", () => {
  const run = bytes(names[0]), big = new Uint8Array(run.byteLength + 11);
  for (const offset of [1, 3, 8]) {
    big.set(new Uint8Array(run), offset);
    assert.equal(player.decode(new DataView(big.buffer, offset, run.byteLength)).rows, open(names[0]).rows);
  }
  assert.equal(player.decode(Buffer.from(run).toString("base64")).rows, open(names[0]).rows);
});

test("every row is said as Python says it", () => {
  for (const name of names) {
    const run = open(name);
    told(name).lanes.forEach((want, j) => want.words.forEach((words, i) => assert.equal(player.describe(run.lanes[j], i), words)));
  }
  for (const [us, words] of told(names[0]).durations) assert.equal(player.duration(us), words);
});

test("a moment is rounded before it is split into minutes and seconds", () => {
  assert.equal(player.clock(119_960_000, 120e6), "2 min 0.0 s");
  assert.equal(player.clock(59_960_000, 120e6), "1 min 0.0 s");
  assert.equal(player.clock(41_940_000, 120e6), "41.9 s");
});

test("what is lost at each place is what Python finds lost there, and not what is back", () => {
  for (const name of names) {
    const run = open(name);
    told(name).lanes.forEach((want, j) => {
      const lane = run.lanes[j], s = player.blank(lane);
      for (const [rows, lost] of want.lost) {
        player.seek(lane, s, rows);
        const found = lane.places.flatMap((place, p) => (s.lost[p] ? [[place, s.lost[p]]] : []));
        assert.deepEqual(Object.fromEntries(found), lost, `${name} after ${rows}`);
      }
    });
  }
  const [{ lost, balances }] = told("lost-and-back").lanes;
  assert.equal(lost.at(-1)[1].table, balances.at(-1)[1].dropped);
});

test("the ledger is Python's ledger after every row", () => {
  for (const name of names) {
    const run = open(name);
    told(name).lanes.forEach((want, j) => {
      const lane = run.lanes[j], s = player.blank(lane);
      for (const [rows, balance] of want.balances) assert.deepEqual(player.balance(player.seek(lane, s, rows)), balance, `${name} after ${rows}`);
    });
  }
});

test("a state reached by checkpoints is the state folded from the start, at every row, in both directions", () => {
  for (const name of names) {
    for (const lane of open(name).lanes) {
      const brute = player.blank(lane), all = [shown(brute)];
      const every = Math.max(1, Math.floor(lane.n / 400));              // long runs: every few rows, with all the checkpoints
      for (let i = 0; i < lane.n; i++) { player.apply(lane, brute, i); if ((i + 1) % every === 0) all.push(shown(brute)); }
      const s = player.blank(lane);
      for (let m = all.length - 1; m >= 0; m--) assert.deepEqual(shown(player.seek(lane, s, m * every)), all[m], `${name}: back to ${m * every}`);
      for (let m = 0; m < all.length; m++) assert.deepEqual(shown(player.seek(lane, s, m * every)), all[m], `${name}: on to ${m * every}`);
      for (let m = 0; m < 200; m++) { const to = (m * 7919) % all.length; assert.deepEqual(shown(player.seek(lane, s, to * every)), all[to], `${name}: leap to ${to * every}`); }
    }
  }
});

test("what stands in a place is what its list says, and a copy stands in one place only", () => {
  for (const name of names) {
    for (const lane of open(name).lanes) {
      const s = player.blank(lane);
      for (let i = 0; i <= lane.n; i += Math.max(1, Math.floor(lane.n / 150))) {
        player.seek(lane, s, i);
        const seen = new Set();
        for (let p = 0; p <= lane.places.length; p++) {
          let n = 0;
          for (const e of player.copiesAt(s, p)) { assert.ok(!seen.has(e), `${name}: copy ${e} twice`); seen.add(e); n++; }
          assert.equal(n, s.count[p], `${name}: place ${p} after ${i}`);
        }
      }
    }
  }
});

test("the word of a worker that comes too late leaves the message with who has it now", () => {
  let late = 0;
  for (const lane of open("zombies").lanes) {
    const s = player.blank(lane);
    for (let i = 0; i < lane.n; i++) {
      const e = lane.entity[i], was = e < 0 ? -1 : s.at[e] - 1, kind = lane.kinds[lane.kind[i]].name;
      player.apply(lane, s, i);
      if (kind === "start" && s.at[e]) assert.equal(lane.places[s.at[e] - 1], lane.places[lane.place[i]]);
      if (kind === "answer" && was >= 0 && was !== lane.place[i] && was !== s.road) { late++; assert.equal(s.at[e] - 1, was); }
    }
  }
  assert.ok(late > 20, String(late));
});

test("those who work on after their loan are the same in the player and in the still", () => {
  let looked = 0;
  for (const name of names) {
    if (name === "every-kind") continue;                                // it lends without sense
    told(name).lanes.forEach((want, j) => {
      const lane = open(name).lanes[j];
      for (const [rows, ghosts] of want.ghosts) {
        const here = lane.ghosts.filter((one) => one.from < rows && one.until >= rows);
        assert.deepEqual(here.map((one) => `${lane.places[one.place]} ${lane.messages[lane.copyMessage[one.copy]]}`).sort(), ghosts, `${name} after ${rows}`);
        looked += ghosts.length;
      }
    });
  }
  assert.ok(looked > 20, String(looked));
});

test("what was done at each place, and what was skipped there, is what the still says", () => {
  let skipped = 0;
  for (const name of names) {
    if (name === "every-kind") continue;                                // it has no sense
    told(name).lanes.forEach((want, j) => {
      const lane = open(name).lanes[j], s = player.seek(lane, player.blank(lane), lane.n);
      for (const what of ["done", "skipped"]) {
        const said = Object.fromEntries(lane.places.map((place, p) => [place, s[what][p]]).filter(([, n]) => n).sort());
        assert.deepEqual(said, want.said[what], `${name}: ${what}`);
      }
      skipped += Object.values(want.said.skipped).reduce((x, y) => x + y, 0);
    });
  }
  assert.ok(skipped > 10, String(skipped));
});

test("what leaks hangs below the place where it was lost, as in the still", () => {
  const run = open("leaks"), graph = player.graphOf(run), leaks = Object.entries(told("leaks").lanes[0].leaks);
  assert.ok(leaks.length >= 3);
  for (const width of [600, 1076]) {
    const lay = player.layout(graph, width), box = (id) => lay.boxes.find((one) => one.id === id);
    for (const [leak, source] of leaks) assert.ok(box(leak).col === box(source).col && box(leak).y > box(source).y, `${leak} below ${source}`);
  }
});

test("a lane has no place of another run", () => {
  const run = open("leaks"), lay = player.layout(player.graphOf(run), 900);
  const there = run.lanes.map((lane) => lay.boxes.filter((box) => player.isThere(lane, box)).map((box) => box.id));
  assert.ok(there[0].includes("tap 2: unheard") && !there[1].includes("tap 2: unheard"));
  assert.ok(there.every((ids) => ids.includes("phone")));
});

test("a strip that a run names comes first", () => {
  const lane = (strip) => ({ header: { strip, references: { depth: {} } }, strips: ["depth", "rate", "lag", "age"].map((name) => ({ name, lines: [] })) });
  assert.deepEqual(player.stripNames([lane([])]), ["depth", "rate", "lag"]);
  assert.deepEqual(player.stripNames([lane(["age", "no such gauge"])]), ["age", "depth", "rate"]);
});

test("the depth that a buffer reports is the number of discs in its tray", () => {
  let looked = 0;
  for (const name of names) {
    if (name === "every-kind") continue;                                // its depths are made up
    for (const lane of open(name).lanes) {
      const s = player.blank(lane);
      for (let i = 0; i < lane.n; i++) {
        player.apply(lane, s, i);
        if (lane.kinds[lane.kind[i]].name !== "enqueue") continue;
        const p = lane.place[i];
        assert.equal(s.count[p] - s.here[p], player.field(lane, i, "depth"), `${name} row ${i}`); looked++;
      }
    }
  }
  assert.ok(looked > 100);
});

test("steps over all lanes take every row once, in order of time, equal rows together", () => {
  for (const name of names) {
    const run = open(name), steps = player.stepsOf(run.lanes);
    run.lanes.forEach((lane, j) => assert.equal(steps.n ? steps.counts[j][steps.n] : 0, lane.n));
    for (let k = 1; k <= steps.n; k++) {
      assert.ok(steps.time[k] >= steps.time[k - 1]);
      const moved = run.lanes.map((_, j) => steps.counts[j][k] - steps.counts[j][k - 1]);
      assert.ok(moved.every((d) => d === 0 || d === 1) && moved.some((d) => d === 1), `${name} step ${k}: ${moved}`);
      run.lanes.forEach((lane, j) => { if (moved[j]) assert.equal(lane.time[steps.counts[j][k] - 1], steps.time[k]); });
    }
  }
  const same = player.decode(bytes("same-twice"));
  same.lanes.forEach((lane) => player.timeline(same, lane));
  assert.equal(player.stepsOf(same.lanes).n, same.lanes[0].n, "the same run twice steps as one");
});

test("boxes stand inside the stage, apart from each other, cause left of effect", () => {
  for (const name of names) {
    const run = open(name), graph = player.graphOf(run);
    for (const width of [320, 500, 1076]) {
      const lay = player.layout(graph, width);
      for (const a of lay.boxes) {
        assert.ok(a.x >= 0 && a.x + a.w <= width + 1 && a.y >= 0 && a.y + a.h <= lay.height, `${name}/${width}: ${a.id} ${JSON.stringify([a.x, a.y, a.w, a.h, lay.height])}`);
        for (const b of lay.boxes) {
          if (a === b) continue;
          assert.ok(a.x + a.w <= b.x || b.x + b.w <= a.x || a.y + a.h <= b.y || b.y + b.h <= a.y, `${name}/${width}: ${a.id} over ${b.id}`);
        }
        const at = [0, 0];
        for (let k = 0; k < Math.min(a.peak, a.across * a.rows); k++) {
          player.seat(a, k, at);
          assert.ok(a.kind === "group" || (at[0] > a.x && at[0] < a.x + a.w && at[1] > a.y && at[1] < a.y + a.h), `${name}/${width}: seat ${k} of ${a.id}`);
        }
      }
    }
  }
  const lay = player.layout(player.graphOf(open("queue")), 900), x = (id) => lay.boxes.find((box) => box.id === id).x;
  assert.ok(x("phone") < x("uploads") && x("uploads") < x("worker-1"));
  const fenced = player.layout(player.graphOf(open("fence")), 900), at = (id) => fenced.boxes.find((box) => box.id === id).x;
  assert.ok(at("worker-1") < at("scores"), "who refuses stands behind the one who came in vain");
});

test("where a larger run comes into the frame of a smaller one, no box is cut off", () => {
  for (const name of names) {
    const lay = player.layout(player.graphOf(open(name)), 500, 120);
    if (lay.height < 440) assert.ok(lay.boxes.every((box) => box.h >= 30), `${name}: a box is too flat`);
    for (const box of lay.boxes) assert.ok(box.y >= 20 && box.y + box.h <= lay.height, `${name}: ${box.id} ${box.y} ${lay.height}`);
  }
});

test("a number beside a title gives way where boxes stand close and every disc is to be seen", () => {
  const wide = (words) => 50 + 8 * words.length, close = { tight: true, w: 52, room: 52, across: 1, rows: 3 };
  assert.equal(player.howMany(close, 3, 0, wide), "");
  assert.equal(player.howMany(close, 40, 0, wide), "40", "what is not drawn is told");
  assert.equal(player.howMany({ ...close, w: 90 }, 3, 0, wide), "3");
  assert.equal(player.howMany({ ...close, tight: false }, 3, 0, wide), "3");
  assert.equal(player.howMany({ ...close, w: 150 }, 4, 4, wide), "4 of 4");
});

test("a place stands at the same spot when a slider brings another run", () => {
  const memory = new Map(), spots = (name) => new Map(player.layout(player.graphOf(open(name), memory), 900).boxes.map((box) => [box.id, [box.col, box.rank]]));
  const before = spots("queue"), after = spots("queue-short");
  for (const [id, spot] of after) assert.deepEqual(spot, before.get(id), id);
});

test("many places of one stem are one group, which opens", () => {
  const graph = player.graphOf(open("fifty")), closed = player.layout(graph, 1000), inside = player.layout(graph, 1000, 0, "wearable-*");
  assert.ok(closed.boxes.some((box) => box.id === "wearable-*" && box.places.length === 50));
  const opened = inside.boxes.filter((box) => box.id.startsWith("wearable-") && !box.aside).sort((x, y) => x.rank - y.rank);
  assert.deepEqual(opened.map((box) => box.id), Array.from({ length: 50 }, (_, i) => `wearable-${i + 1}`), "2 comes before 10");
});

test("a container that is none is refused in a sentence", () => {
  const good = new Uint8Array(bytes(names[0]));
  const says = (data, words) => assert.throws(() => player.decode(data), (error) => words.test(error.message) && error.message.endsWith("."));
  says(null, /no run/); says(new ArrayBuffer(0), /no run/);
  says(new TextEncoder().encode("something else entirely").buffer, /not a packed run/);
  says(good.slice(0, good.length - 64).buffer, /damaged/);
  says(good.slice(0, 40).buffer, /damaged/);
});
