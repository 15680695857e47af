// The walk over the tiles. Python sends the features once; every number on show is computed here, in float64, tile by
// tile: first forward, where each row and column gathers its log-sum-exp, then back, where each side gathers its gradient.
//
// Row i is image i, column j is text j. In this order below: the numbers, their words, the drawing, and `render`.

const STATE = ["step"];
const BEAT = 900;  // ms from tile to tile while it plays: there is something to read
const BAR = 44;  // CSS pixels, the longest

// ---- The numbers

const addLogs = (a, b) => {
  const high = Math.max(a, b);
  return high === -Infinity ? high : high + Math.log(Math.exp(a - high) + Math.exp(b - high));
};

// What each step leaves behind: { step, count, back, tile, shown: one line of numbers a row of the tile, rows, columns: a
// number for each image and each text, before: the same two one step ago, held, loss }.
function walk({ image_features: image, text_features: text, scale, size }) {
  const n = image.length, across = Math.ceil(n / size), count = across ** 2;
  const logs = [0, 1].map(() => new Array(n).fill(-Infinity)), [rows, columns] = logs.map((side) => [...side]);
  const sums = [image, text].map((side) => side.map((line) => line.map(() => 0)));
  const lengths = () => sums.map((side) => side.map((line) => Math.hypot(...line)));
  const states = [{ step: 0, count, back: false, tile: null, shown: [], rows, columns, held: 2 * n + 1, loss: null }];
  let own = 0, loss = null, before = [rows, columns];
  for (let step = 1; step <= 2 * count; step++) {
    const back = step > count, k = (step - 1) % count, top = size * Math.floor(k / across), left = size * (k % across);
    const tile = { top, left, bottom: Math.min(n, top + size), right: Math.min(n, left + size) }, shown = [];
    if (step === count + 1) before = lengths();
    for (let i = top; i < tile.bottom; i++) {
      const line = [];
      for (let j = left; j < tile.right; j++) {
        const logit = scale * image[i].reduce((sum, x, d) => sum + x * text[j][d], 0);
        if (!back) {
          logs[0][i] = addLogs(logs[0][i], logit);
          logs[1][j] = addLogs(logs[1][j], logit);
          if (i === j) own += logit;
          line.push(logit);
          continue;
        }
        const push = (Math.exp(logit - logs[0][i]) + Math.exp(logit - logs[1][j])) / 2 - (i === j ? 1 : 0);
        text[j].forEach((x, d) => { sums[0][i][d] += scale / n * push * x; });
        image[i].forEach((x, d) => { sums[1][j][d] += scale / n * push * x; });
        line.push(push);
      }
      shown.push(line);
    }
    if (step === count) loss = logs.flat().reduce((sum, log) => sum + log / 2 / n, 0) - own / n;
    const [rows, columns] = back ? lengths() : logs.map((side) => [...side]);
    states.push({ step, count, back, tile, shown, rows, columns, before, held: shown.flat().length + 2 * n + 1, loss });
    before = [rows, columns];
  }
  return states;
}

// What the colours and the bars mean, the same in all steps of a phase.
function ranges(states) {
  return [false, true].map((back) => {
    const phase = states.filter((state) => state.step && state.back === back);
    const cells = phase.flatMap(({ shown }) => shown.flat()), bars = phase.flatMap(({ rows, columns }) => [...rows, ...columns]);
    const high = back ? Math.max(...cells.map(Math.abs)) || 1 : Math.max(...cells), low = back ? -high : Math.min(...cells);
    return { low, high, bars: [back ? 0 : low, Math.max(...bars)] };
  });
}

// ---- Their words

const inWords = (x) => (x === -Infinity ? "nothing" : written(x, 2));

function tell({ step, count, back, tile, rows, columns, before, held, loss }, n) {
  const square = `${n}² = ${n * n}`;
  const memory = `Held now, beside features${back ? " and gradients" : ""}: `
    + (step ? `${held - 2 * n - 1} numbers of the tile + ` : "") + `${2 * n} logs + 1 sum = ${held}. All of S: ${square}.`;
  const title = step ? `${back ? "backward" : "forward"}, tile ${(step - 1) % count + 1} of ${count}` : "before the first tile";
  if (!step) return [title, "Nothing of S is there. The logs of all rows and columns are empty.", "", memory];
  const { top, left, bottom, right } = tile;
  const did = `Images ${top} to ${bottom - 1} with texts ${left} to ${right - 1}. ` + (back
    ? `The tile is made again. All logs are known by now, and so is P − Y. The gradient of image ${top} goes from length `
      + `${written(before[0][top])} to ${written(rows[top])}, that of text ${left} from ${written(before[1][left])} to ${written(columns[left])}.`
    : `The log of row ${top} goes from ${inWords(before[0][top])} to ${inWords(rows[top])}, `
      + `that of column ${left} from ${inWords(before[1][left])} to ${inWords(columns[left])}.`);
  const known = loss === null ? "" : `All of S was seen once: loss ${loss.toFixed(2)} (ln ${n} = ${Math.log(n).toFixed(2)}).`;
  return [title, did, known, memory];
}

// ---- The drawing

function places(n, { pictures, captions }) {
  const cell = Math.min(40, Math.floor(448 / n)), side = cell * n, icon = pictures.length ? Math.min(cell - 2, 36) : 0;
  const left = Math.max(icon, 16) + 8, top = 6, foot = captions.length ? 84 : 18;
  return { n, cell, side, icon, left, top, width: left + side + BAR + 44, height: top + side + BAR + 20 + foot };
}

function paintWalk(context, place, state, { low, high, bars }, table, { size, captions }, icons, ink) {
  const { n, cell, side, icon, left, top, width, height } = place, { step, count, back, tile, shown } = state;
  const across = Math.ceil(n / size), passed = back ? step - count : step, put = (...what) => context.fillText(...what);
  context.clearRect(0, 0, width, height);
  Object.assign(context, { textAlign: "center", textBaseline: "middle", fillStyle: ink, strokeStyle: ink, lineWidth: 1 });
  for (let k = 0; k < count; k++) {  // a veil: not held; a thicker one: made once, and forgotten
    const [y, x] = [size * Math.floor(k / across), size * (k % across)], [down, wide] = [Math.min(n - y, size), Math.min(n - x, size)];
    context.globalAlpha = k < passed ? 0.22 : 0.08;
    context.fillRect(left + x * cell + 1, top + y * cell + 1, wide * cell - 2, down * cell - 2);
  }
  context.globalAlpha = 1;
  shown.forEach((line, a) => line.forEach((value, b) => {
    const at = 3 * (high > low ? Math.min(255, Math.floor(256 * (value - low) / (high - low))) : 0), [red, green, blue] = table.slice(at, at + 3);
    const [x, y] = [left + (tile.left + b) * cell, top + (tile.top + a) * cell];
    context.fillStyle = `rgb(${red}, ${green}, ${blue})`;
    context.fillRect(x, y, cell, cell);
    if (cell < 24) return;
    font(context, cell < 34 ? 9 : 12);
    context.fillStyle = 0.3 * red + 0.6 * green + 0.1 * blue < 127.5 ? "white" : "black";
    put(Math.abs(value) < 0.005 ? "0.00" : value.toFixed(2).replace("-", "−"), x + cell / 2, y + cell / 2, cell - 3);
  }));
  for (let k = 0; k < n; k++) {  // the pairs
    for (const [colour, thick] of [["white", 2.4], ["black", 1.2]]) {
      Object.assign(context, { strokeStyle: colour, lineWidth: thick });
      context.strokeRect(left + k * cell, top + k * cell, cell, cell);
    }
  }
  Object.assign(context, { fillStyle: ink, strokeStyle: ink, lineWidth: 3 });
  if (tile) context.strokeRect(left + tile.left * cell - 1.5, top + tile.top * cell - 1.5, shown[0].length * cell + 3, shown.length * cell + 3);
  const share = (value) => (value === -Infinity ? 0 : Math.max(1, BAR * (value - bars[0]) / ((bars[1] - bars[0]) || 1)));
  const number = (value) => (value === -Infinity ? "–" : value.toFixed(2));
  for (let k = 0; k < n; k++) {
    const x = left + (k + 0.5) * cell, y = top + (k + 0.5) * cell, thick = Math.max(3, cell * 0.4), [row, column] = [share(state.rows[k]), share(state.columns[k])];
    font(context, Math.min(11, Math.max(8, cell / 3)));
    context.globalAlpha = tile && k >= tile.top && k < tile.bottom ? 0.9 : 0.4;  // strong: this tile adds to it
    context.fillRect(left + side + 6, y - thick / 2, row, thick);
    context.globalAlpha = tile && k >= tile.left && k < tile.right ? 0.9 : 0.4;
    context.fillRect(x - thick / 2, top + side + 6, thick, column);
    context.globalAlpha = 1;
    context.textAlign = "left";
    put(number(state.rows[k]), left + side + 10 + row, y);
    context.textAlign = "center";
    put(number(state.columns[k]), x, top + side + 14 + column, cell - 1);
    font(context, 11);
    if (icons[k]) context.drawImage(icons[k], left - 6 - icon, y - icon / 2, icon, icon);
    else if (cell > 11) put(k, left - 12, y);
    if (!captions.length && cell > 11) put(k, x, height - 8);
    if (!captions.length) continue;
    context.save();
    context.translate(x, height - 82);
    context.rotate(-Math.PI / 2);
    context.textAlign = "right";
    put(cut(context, captions[k], 80), 0, 0);
    context.restore();
  }
}

// ---- The page

const STYLE = `${COMMON_STYLE}
.xt-side { flex: 1 1 240px; max-width: 420px; min-width: 240px; }
.xm .xt-time { display: flex; align-items: center; gap: 10px; margin-bottom: 6px; font-variant-numeric: tabular-nums; }
.xt-time button { min-width: 5em; } .xt-time input { flex: 1; min-width: 80px; margin: 0; }
.xt-title { font-weight: 600; } .xm .xt-did { min-height: 7em; } .xt-side p { font-size: 14px; font-variant-numeric: tabular-nums; }
.xm .xt-held { border-top: 1px solid var(--jp-border-color1, GrayText); padding-top: 6px; } .xm .xt-legend { font-size: 12px; margin-top: 8px; }`;

function render({ model, el }) {
  const data = model.get("data"), n = data.image_features.length, states = walk(data), last = states.length - 1;
  const tables = [decode(data.colours.forward), decode(data.colours.backward)], [forth, back] = ranges(states);
  const place = places(n, data);
  element(el, "style", { textContent: STYLE });
  const root = element(el, "div", { className: "xm xt", onkeydown: toTheCell });
  // The slider above the picture: on a small screen you see the tile move while you pull.
  const left = element(root, "div"), time = element(left, "div", { className: "xt-time" }), side = element(root, "div", { className: "xt-side" });
  const button = element(time, "button"), slider = element(time, "input", { type: "range", min: 0, max: last, step: 1 });
  slider.setAttribute("aria-label", "step of the walk");
  const lines = [["title", left], ["did", side], ["loss", side], ["held", side]].map(([name, at]) => element(at, "p", { className: `xt-${name}` }));
  const canvas = element(left, "canvas", { className: "xt-map" });
  canvas.setAttribute("role", "img");
  const legend = element(side, "p", { className: "xt-legend" }), ears = element(side, "p", { className: "xm-ears" });
  ears.setAttribute("aria-live", "polite");
  const context = canvas.getContext("2d"), icons = data.pictures.map(() => null);
  data.pictures.forEach((src, i) => {
    const icon = Object.assign(new Image(), { src, onload: () => { icons[i] = icon; soon(); } });
  });

  let playing = 0, finished = false;
  const stop = () => { clearInterval(playing); finished ||= playing > 0; playing = 0; soon(); };
  button.onclick = () => {
    if (playing) return stop();
    if (model.get("step") === last) model.set("step", 0);
    playing = setInterval(() => {
      if (model.get("step") < last) model.set("step", model.get("step") + 1);
      if (model.get("step") === last) stop();
    }, BEAT);
    soon();
  };
  slider.oninput = () => {
    if (playing) stop();  // the hand has taken over
    model.set("step", Number(slider.value));
  };

  function show() {
    const state = states[model.get("step")], told = tell(state, n);
    fit(canvas, context, place);
    paintWalk(context, place, state, state.back ? back : forth, tables[Number(state.back)], data, icons, getComputedStyle(root).color);
    told.forEach((words, at) => write(lines[at], words));
    write(legend, state.back ? "In the tile: P − Y, the mean of both directions. Bars: how long the gradient of each image and text is so far; strong: this tile adds to it."
      : "In the tile: logits. Bars: the log-sum-exp of each row and column so far; strong: this tile adds to it.");
    write(button, playing ? "pause" : "play");
    slider.value = state.step;
    slider.setAttribute("aria-valuetext", `step ${state.step} of ${last}, ${told[0]}`);
    canvas.setAttribute("aria-label", told.join(" "));
    if (finished) write(ears, told.join(" "));
    finished = false;
    model.set("loss", state.loss);
    model.save_changes();
  }

  const { soon, end } = alive(model, STATE, show);
  return () => { clearInterval(playing); end(); };
}

export default { render };
