// What the scripts of all live pictures share; each of them stands right behind this file, in one module.

const SLIDER_STEPS = 200;
const NUMBERS_UP_TO = 8;  // so many rows and columns leave room for a number in each cell

// ---- Numbers

// The softmax of `count` lines of `length` logits: line a starts at a·line and goes on in steps of `step`.
function softmax(logits, count, length, line, step) {
  const P = new Float64Array(logits.length), share = new Float64Array(logits.length);
  const largest = new Float64Array(count), total = new Float64Array(count);
  for (let a = 0; a < count; a++) {
    let top = -Infinity, sum = 0;
    for (let b = 0; b < length; b++) top = Math.max(top, logits[a * line + b * step]);
    for (let b = 0; b < length; b++) {
      const at = a * line + b * step;
      sum += share[at] = Math.exp(logits[at] - top);  // subtracting the largest keeps exp from overflowing
    }
    for (let b = 0; b < length; b++) P[a * line + b * step] = share[a * line + b * step] / sum;
    largest[a] = top;
    total[a] = sum;
  }
  // −log P of one cell, written so that a P too small for float64 does not become log(0).
  const price = (a, b) => Math.log(total[a]) + largest[a] - logits[a * line + b * step];
  return { P, share, largest, total, price };
}

// ---- Words

function written(x, digits = 3) {
  const plain = x !== 0 && (Math.abs(x) < 0.5 / 10 ** digits || Math.abs(x) >= 1e6) ? x.toExponential(1) : x.toFixed(digits);
  return plain.replace("-", "−");
}

// A node that already says so is left alone: a screen reader would say it again.
function write(node, words) {
  if (node.textContent !== words) node.textContent = words;
}

// ---- Drawing

// A table of 256 colours, each three bytes, from the hexadecimal that Python sends.
function decode(hex) {
  return Uint8Array.from({ length: hex.length / 2 }, (_, b) => parseInt(hex.slice(2 * b, 2 * b + 2), 16));
}

// A canvas of this size in CSS pixels, sharp on every screen: set the first time, and when the page is zoomed.
function fit(canvas, context, { width, height }) {
  const dpr = window.devicePixelRatio || 1;
  if (canvas.width !== Math.round(width * dpr)) {
    Object.assign(canvas, { width: Math.round(width * dpr), height: Math.round(height * dpr) });
    Object.assign(canvas.style, { width: `${width}px`, height: `${height}px` });
  }
  context.setTransform(dpr, 0, 0, dpr, 0, 0);
}

// Where the pointer is, in the canvas's own pixels, however much the page enlarges it: a slide is scaled as a whole.
function inside(canvas, event) {
  const box = canvas.getBoundingClientRect(), scale = box.width / parseFloat(canvas.style.width);
  return [(event.clientX - box.left) / scale, (event.clientY - box.top) / scale];
}

const font = (context, size) => { context.font = `${size}px system-ui, sans-serif`; };

function cut(context, words, room) {
  if (context.measureText(words).width <= room) return words;
  let length = words.length;
  while (length > 1 && context.measureText(words.slice(0, length) + "…").width > room) length--;
  return words.slice(0, length).trimEnd() + "…";
}

// ---- The heatmap of an N×N matrix

// What is where on the canvas, in CSS pixels. Small cells leave no room for captions: the story names them.
function measure(n, { pictures, captions }) {
  const cell = Math.min(84, Math.floor((n > 32 ? 448 : 400) / n)), side = cell * n;
  const icon = pictures.length ? Math.min(cell - 1, 48) : 0, withCaptions = captions.length > 0 && cell >= 10;
  const left = Math.max(icon, 20) + 10, top = 10, bottom = withCaptions ? (n > NUMBERS_UP_TO ? 96 : 78) : 22;
  return { n, cell, side, icon, left, top, withCaptions, width: left + side + 66, height: top + side + bottom };
}

// The matrix as colours of `table` from low to high, its bar, its numbers, the icons of the rows, the captions of the
// columns. texts: which text stands in each column. matches: in which column each row has its match. cell: the picked one.
function drawHeatmap(context, place, small, icons, { matrix, kind, low, high, table, texts, matches, captions, cell: [i, k], ink }) {
  const { n, cell, side, left, top, width, height } = place;
  const shade = (x) => 3 * (high > low ? Math.min(255, Math.floor(256 * (x - low) / (high - low))) : 0);
  context.clearRect(0, 0, width, height);

  // One pixel a cell, then enlarged without smoothing: much faster than n² rectangles.
  const pixels = small.createImageData(n, n + 256), data = pixels.data;
  const paint = (at, from) => { for (let b = 0; b < 4; b++) data[4 * at + b] = b < 3 ? table[from + b] : 255; };
  for (let c = 0; c < n * n; c++) paint(c, shade(matrix[c]));
  for (let s = 0; s < 256; s++) paint((n + s) * n, 3 * (255 - s));  // below the cells: the colour bar, high on top
  small.putImageData(pixels, 0, 0);
  context.imageSmoothingEnabled = false;
  context.drawImage(small.canvas, 0, 0, n, n, left, top, side, side);
  const bar = left + side + 12;
  context.drawImage(small.canvas, 0, n, 1, 256, bar, top, 10, side);
  Object.assign(context, { imageSmoothingEnabled: true, fillStyle: ink, textAlign: "left", textBaseline: "middle" });
  font(context, 11);
  const digits = kind === "labels" ? 0 : kind === "gradient" ? 3 : 2;
  context.fillText(written(high, digits), bar + 14, top + 5, 38);
  context.fillText(written(low, digits), bar + 14, top + side - 5, 38);
  if (kind === "gradient") context.fillText("0", bar + 14, top + side / 2);

  context.textAlign = "center";
  if (n <= NUMBERS_UP_TO) {
    font(context, cell > 60 ? 15 : 12);
    matrix.forEach((x, c) => {
      const at = shade(x), dark = 0.3 * table[at] + 0.6 * table[at + 1] + 0.1 * table[at + 2] < 127.5;
      const plain = Math.abs(x) < 0.005 ? "0.00" : x.toFixed(2).replace("-", "−");  // no "-0.00"
      const number = kind === "labels" ? written(x, 0) : kind === "gradient" && x >= 0 ? `+${plain}` : plain;
      context.fillStyle = dark ? "white" : "black";
      context.fillText(number, left + (c % n + 0.5) * cell, top + (Math.floor(c / n) + 0.5) * cell, cell - 4);
    });
  }

  context.fillStyle = ink;
  font(context, 12);
  for (let row = 0; row < n; row++) {
    const y = top + (row + 0.5) * cell;
    if (icons[row]) context.drawImage(icons[row], left - 10 - place.icon, y - place.icon / 2, place.icon, place.icon);
    else if (n <= 16) context.fillText(row, left - 20, y);
  }
  const slant = n <= NUMBERS_UP_TO ? -0.85 : -Math.PI / 2;
  texts.forEach((text, column) => {
    const x = left + (column + 0.5) * cell, y = top + side + 8;
    if (!place.withCaptions) return n <= 16 && context.fillText(text, x, y + 4);
    font(context, Math.min(12, cell - 1));
    context.save();
    context.translate(x, y);
    context.rotate(slant);
    context.textAlign = "right";
    context.fillText(cut(context, captions[text], 86), 0, 0);
    context.restore();
  });

  const frame = (row, column, out, strokes) => strokes.forEach(([strokeStyle, lineWidth]) => {
    Object.assign(context, { strokeStyle, lineWidth });
    context.strokeRect(left + column * cell - out, top + row * cell - out, cell + 2 * out, cell + 2 * out);
  });
  const thin = cell < 20 ? 1 : 1.4;
  matches.forEach((column, row) => frame(row, column, 0, [["white", 2.4 * thin], ["black", thin]]));
  frame(i, k, 1.5, [["white", 6], ["black", 3]]);  // the picked cell: thick, so that no colour is needed to see it
  context.fillStyle = ink;
  for (const [x, y, dx, dy] of [[left + (k + 0.5) * cell, top - 3, 0, 6], [left - 3, top + (i + 0.5) * cell, 6, 0]]) {
    context.beginPath();  // two arrowheads at the edges, towards the picked column and row
    context.moveTo(x, y);
    context.lineTo(x - dx - dy * 0.8, y - dy - dx * 0.8);
    context.lineTo(x - dx + dy * 0.8, y - dy + dx * 0.8);
    context.fill();
  }
}

// A canvas with a heatmap; keys and the hand pick a cell of it, into `cell` of the model -> { canvas, paint(what) }.
// soon: draws everything again, when a picture has been read.
function heatmap(parent, place, pictures, model, soon, settings = {}) {
  const { n, cell, left, top } = place, canvas = element(parent, "canvas", { tabIndex: 0, ...settings });
  canvas.setAttribute("role", "application");  // a screen reader hands the arrow keys on
  canvas.setAttribute("aria-roledescription", "heatmap, arrow keys move from cell to cell");
  const small = Object.assign(document.createElement("canvas"), { width: n, height: n + 256 }).getContext("2d");
  const context = canvas.getContext("2d"), icons = pictures.map(() => null);
  pictures.forEach((src, i) => {
    const icon = Object.assign(new Image(), { src, onload: () => { icons[i] = icon; soon(); } });
  });
  const pick = (...to) => { if (Math.min(...to) >= 0 && Math.max(...to) < n) model.set("cell", to); };
  arrowKeys(canvas, n, () => model.get("cell"), pick);
  canvas.onpointerdown = canvas.onpointermove = (event) => {
    if (event.buttons !== 1) return;
    const [x, y] = inside(canvas, event);
    pick(Math.floor((y - top) / cell), Math.floor((x - left) / cell));
  };
  const paint = (what) => {
    fit(canvas, context, place);
    drawHeatmap(context, place, small, icons, what);
  };
  return { canvas, paint };
}

// ---- The page

const COMMON_STYLE = `
.xm { display: flex; flex-wrap: wrap; gap: 4px 20px; font: 13px/1.4 var(--jp-ui-font-family, system-ui, sans-serif);
  color: var(--jp-content-font-color1, CanvasText); padding: 4px; }
.xm canvas { display: block; touch-action: manipulation; }
.xm :focus-visible { outline: 2px solid var(--jp-brand-color1, Highlight); outline-offset: 2px; }
.xm fieldset { border: 0; margin: 0 0 6px; padding: 0 0 0 56px; position: relative; display: flex; flex-wrap: wrap; gap: 2px 10px; }
.xm legend { padding: 0; font-weight: 600; position: absolute; left: 0; top: 0; }
.xm label { white-space: nowrap; } .xm input { margin: 0 4px 0 0; vertical-align: -2px; accent-color: var(--jp-brand-color1, auto); }
.xm .xm-scale { display: flex; align-items: center; margin-bottom: 6px; font-variant-numeric: tabular-nums; }
.xm-scale span { flex: 0 0 82px; font-weight: 600; } .xm-scale input { flex: 1; min-width: 0; margin: 0; }
.xm button { font: inherit; color: inherit; padding: 2px 10px; border-radius: 3px; cursor: pointer;
  background: var(--jp-layout-color2, ButtonFace); border: 1px solid var(--jp-border-color1, GrayText); }
.xm p { margin: 0 0 4px; }
.xm dl { display: grid; grid-template-columns: max-content 1fr; gap: 2px 8px; margin: 0; }
.xm dt, .xm dd { width: auto; margin: 0; float: none; } .xm dt { font-weight: 600; } .xm dd { font-variant-numeric: tabular-nums; }
.xm-ears { position: absolute; width: 1px; height: 1px; overflow: hidden; clip-path: inset(50%); }`;

function element(parent, name, settings = {}) {
  const made = Object.assign(document.createElement(name), settings);
  // JupyterLab takes arrow keys and Enter for itself unless the control says that they are its own.
  if (["input", "button", "canvas"].includes(name)) made.setAttribute("data-lm-suppress-shortcuts", "true");
  return parent.appendChild(made);
}

// JupyterLab leaves the keys of the controls alone, Escape too. This one leads from any of them back to the cell.
const toTheCell = (event) => { if (event.key === "Escape") event.currentTarget.closest(".jp-Cell")?.focus(); };

let made = 0;  // radio buttons belong together by name, and a page can show several pictures

// -> show(value, labels): what is chosen, and the words of those whose words have changed.
function choices(parent, legend, name, options, choose) {
  const set = element(parent, "fieldset"), group = `xm-${name}-${made++}`, buttons = {};
  element(set, "legend", { textContent: legend });
  for (const [value, { label }] of Object.entries(options)) {
    const line = element(set, "label");
    buttons[value] = element(line, "input", { type: "radio", name: group, value, onchange: () => choose(value) });
    line.append(label);
  }
  return (value, labels = {}) => {
    buttons[value].checked = true;
    for (const [option, label] of Object.entries(labels)) write(buttons[option].nextSibling, label);
  };
}

// A slider of equal ratios from low to high, in numbers of three digits -> show(value, what it leads to, for ears).
function ratioSlider(parent, name, [low, high], choose) {
  const line = element(parent, "label", { className: "xm-scale" }), words = element(line, "span");
  const slider = element(line, "input", { type: "range", min: 0, max: SLIDER_STEPS, step: 1 });
  const at = (step) => Math.min(high, Math.max(low, Number((low * (high / low) ** (step / SLIDER_STEPS)).toPrecision(3))));
  slider.oninput = () => choose(at(Number(slider.value)));
  slider.setAttribute("aria-label", name);
  return (value, told) => {
    if (at(Number(slider.value)) !== value) {
      slider.value = Math.round(SLIDER_STEPS * Math.log(value / low) / Math.log(high / low));
    }
    const says = `${name} ${Number(value.toPrecision(3))}`;
    write(words, says);
    slider.setAttribute("aria-valuetext", `${says}, ${told}`);
  };
}

// The keys that lead from a cell of n × n to another: from at() to pick(row, column), which may lie outside.
function arrowKeys(canvas, n, at, pick) {
  canvas.onkeydown = (event) => {
    const [i, k] = at();
    const to = { ArrowUp: [i - 1, k], ArrowDown: [i + 1, k], ArrowLeft: [i, k - 1], ArrowRight: [i, k + 1],
      Home: [i, 0], End: [i, n - 1], PageUp: [0, k], PageDown: [n - 1, k] }[event.key];
    if (!to || event.ctrlKey || event.metaKey || event.altKey) return;
    event.preventDefault();
    pick(...to);
  };
}

// A list of [name, words] -> show(lines). Its nodes stay: what a screen reader has read is not new.
function facts(parent) {
  const list = element(parent, "dl"), nodes = [];
  return (lines) => {
    lines.forEach((line, at) => {
      nodes[at] ??= ["dt", "dd"].map((name) => element(list, name));
      line.forEach((words, which) => write(nodes[at][which], words));
    });
    nodes.forEach((line, at) => line.forEach((node) => { node.hidden = at >= lines.length; }));
  };
}

// However many things change at once, they are drawn once, with the next frame of the screen.
function alive(model, names, show) {
  let asked = 0;
  const soon = () => { asked ||= requestAnimationFrame(() => { asked = 0; show(); }); };
  names.forEach((name) => model.on(`change:${name}`, soon));
  const themes = new MutationObserver(soon), dark = matchMedia("(prefers-color-scheme: dark)");
  themes.observe(document.body, { attributes: true });  // JupyterLab writes its theme there
  dark.addEventListener("change", soon);
  soon();
  const end = () => {
    names.forEach((name) => model.off(`change:${name}`, soon));
    themes.disconnect();
    dark.removeEventListener("change", soon);
    cancelAnimationFrame(asked);
  };
  return { soon, end };
}

