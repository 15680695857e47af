// The live picture of one text that looks at one image. Python sends regions and words once; every number that moves is
// computed here, in float64.
//
// Word t stands in row t, region r in column r, at row r // grid and column r % grid of the picture. In this order
// below: the numbers, their words, the drawing, and `render`, which ties them to the page and to the shared model.

const STATE = ["word", "gamma1", "gamma2", "attention", "compete_over_words"];
const ATTENTIONS = { dot: { label: "dot product" }, cosine: { label: "cosine" } };
const SIDE = 306, SMALL = 102, GAP = 14, EDGE = 3;  // CSS pixels: the lit picture, the plain one, between and around

// ---- The numbers

// What Python packed: float64 in base64.
function unpack(text) {
  return new Float64Array(Uint8Array.from(atob(text), (letter) => letter.charCodeAt(0)).buffer);
}

// Σ over d of a[i, d] · b[j, d], rows of `width` numbers.
function dot(a, i, b, j, width) {
  let sum = 0;
  for (let d = 0; d < width; d++) sum += a[i * width + d] * b[j * width + d];
  return sum;
}

const lengths = (x, count, width) => Float64Array.from({ length: count }, (_, i) => Math.sqrt(dot(x, i, x, i, width)));
const cosine = (product, lengthsTogether) => (lengthsTogether > 0 ? product / lengthsTogether : 0);

// What no control changes: how alike each word and region are, by both measures.
function compare({ T, R, D, regions, words }) {
  const V = unpack(regions), W = unpack(words), wordLengths = lengths(W, T, D), regionLengths = lengths(V, R, D);
  const products = Float64Array.from({ length: T * R }, (_, c) => dot(W, Math.floor(c / R), V, c % R, D));
  const cosines = products.map((x, c) => cosine(x, wordLengths[Math.floor(c / R)] * regionLengths[c % R]));
  return { V, W, wordLengths, similarities: { dot: products, cosine: cosines } };
}

function compute({ V, W, wordLengths, similarities }, { T, R, D, gamma1, gamma2, attention, compete_over_words }) {
  const s = similarities[attention];
  const shares = compete_over_words ? softmax(s, R, T, 1, R).P : s;  // at each region, the words share a 1
  const looks = softmax(shares.map((share) => gamma1 * share), T, R, R, 1).P;  // for each word, the regions share a 1
  const contexts = new Float64Array(T * D);
  for (let t = 0; t < T; t++) {
    for (let r = 0; r < R; r++) {
      const look = looks[t * R + r];
      for (let d = 0; d < D; d++) contexts[t * D + d] += look * V[r * D + d];
    }
  }
  const contextLengths = lengths(contexts, T, D);
  const cosines = Array.from(contextLengths, (length, t) => cosine(dot(contexts, t, W, t, D), length * wordLengths[t]));
  const mean = cosines.reduce((sum, one) => sum + one, 0) / T, largest = Math.max(...cosines);
  // The mark is R without its bonus: the logarithm of the mean, not of the sum, of exp(γ2 · cos).
  const above = cosines.reduce((sum, one) => sum + Math.exp(gamma2 * (one - largest)), 0);
  const mark = largest + Math.log(above / T) / gamma2, bonus = Math.log(T) / gamma2;
  const halves = Array.from({ length: T }, (_, t) => half(looks.slice(t * R, (t + 1) * R)));
  const brightest = Array.from({ length: T }, (_, t) => {
    const own = looks.subarray(t * R, (t + 1) * R);
    return own.indexOf(Math.max(...own));
  });
  return { s, shares, looks, cosines, mean, largest, mark, bonus, score: mark + bonus, halves, brightest };
}

// How many regions, the brightest first, hold half of a word's look.
function half(look) {
  look.sort();
  let sum = 0, count = 0;
  while (sum < 0.5 - 1e-12) sum += look[look.length - ++count];  // a hair less: rounding shall not cost a region
  return count;
}

// ---- Their words

function story({ s, shares, looks, brightest }, { T, R, grid, names, word, attention, compete_over_words }, region) {
  const c = word * R + region, row = Math.floor(region / grid), column = region % grid;
  const where = `row ${row}, column ${column}`, name = `“${names[word]}”`;
  const title = `${name} at ${region === brightest[word] ? "its brightest region" : "the region"} in ${where}`;
  const lines = [
    ["s", `${written(s[c])}: ${attention === "dot" ? "dot product" : "cosine"} of the word with the region`],
    ["s̄", compete_over_words ? `${written(shares[c])}: its share of this region among the ${T} words`
      : `${written(shares[c])}: s itself, because the words do not compete`],
    ["α", `${written(looks[c], 4)}: the part of its look that falls here (an even look: ${written(1 / R, 4)})`],
  ];
  const sentence = `${title}. s ${written(s[c])}, s bar ${written(shares[c])}, alpha ${written(looks[c], 4)}.`;
  return { title, sentence, lines };
}

// ---- The drawing

// The attention of one word in colours, one pixel a region.
function heat(context, { looks }, { R, grid }, t, table) {
  const pixels = context.createImageData(grid, grid), own = looks.subarray(t * R, (t + 1) * R), most = Math.max(...own);
  own.forEach((look, r) => {
    const from = 3 * Math.min(255, Math.floor(256 * look / most));
    pixels.data.set([table[from], table[from + 1], table[from + 2], 255], 4 * r);
  });
  context.putImageData(pixels, 0, 0);
  return most;
}

function draw(context, place, small, numbers, state, region, table, photo, ink) {
  const { word, grid, R } = state, { cell, side, width, height } = place, right = side + GAP;
  context.clearRect(0, 0, width, height);
  context.translate(EDGE, EDGE);  // room for a frame at the border

  // The picture in grey and dark; on it, heat as added light.
  context.fillStyle = "black";
  context.fillRect(0, 0, side, side);
  if (photo) {
    context.drawImage(photo, 0, 0, side, side);
    for (const [how, colour] of [["saturation", "black"], ["multiply", `hsl(0 0% ${100 * state.dim}%)`]]) {
      Object.assign(context, { globalCompositeOperation: how, fillStyle: colour });
      context.fillRect(0, 0, side, side);
    }
    context.globalCompositeOperation = "source-over";
    context.drawImage(photo, right, 0, SMALL, SMALL);
  }
  const most = heat(small, numbers, state, word, table);
  Object.assign(context, { globalCompositeOperation: "screen", imageSmoothingEnabled: false });
  context.drawImage(small.canvas, 0, 0, side, side);
  Object.assign(context, { globalCompositeOperation: "source-over", imageSmoothingEnabled: true });

  // The outline of the truth and the frame of the region, each a black line on a white one, on both pictures.
  const strokes = (path, white, black) => [["white", white], ["black", black]].forEach(([strokeStyle, lineWidth]) => {
    Object.assign(context, { strokeStyle, lineWidth, lineCap: "square" });
    context.stroke(path);
  });
  const border = new Path2D(), frame = new Path2D();
  for (const [[x, y], [u, v]] of state.outlines[word] ?? []) {
    border.moveTo(x * cell, y * cell);
    border.lineTo(u * cell, v * cell);
  }
  strokes(border, 3.5, 1.5);
  const row = Math.floor(region / grid), column = region % grid, step = SMALL / grid;
  frame.rect(column * cell - 1, row * cell - 1, cell + 2, cell + 2);
  if (photo) frame.rect(right + column * step - 1, row * step - 1, step + 2, step + 2);
  strokes(frame, 5, 2.5);

  // The bar of colours.
  const top = SMALL + 36, length = side - top - 4;
  for (let y = 0; y < length; y++) {
    const from = 3 * Math.min(255, Math.floor(256 * (1 - y / length)));
    context.fillStyle = `rgb(${table.slice(from, from + 3)})`;
    context.fillRect(right, top + y, 12, 1.5);
  }
  Object.assign(context, { fillStyle: ink, textBaseline: "middle", font: "12px system-ui, sans-serif" });
  context.fillText("α, its look", right, top - 14);
  context.fillText(written(most, 4), right + 18, top + 5);
  context.fillText("0", right + 18, top + length - 5);
}

// ---- The page

const STYLE = `${COMMON_STYLE}
.xw-look { flex: 0 0 auto; } .xw-look canvas { cursor: crosshair; margin: 2px 0 8px; }
.xw-words { flex: 1 1 370px; min-width: 300px; max-width: 560px; }
.xw fieldset { padding-left: 82px; } .xw-story { min-height: 8.5em; }
.xw-list { display: grid; grid-template-columns: max-content max-content minmax(50px, 1fr) repeat(3, max-content);
  gap: 0 10px; align-items: center; margin-bottom: 10px; font-variant-numeric: tabular-nums; }
.xw-list label, .xw-head { display: contents; cursor: pointer; } .xw-list label > *, .xw-head > * { padding: 2px 0; }
.xw-head { cursor: default; font-size: 11px; } .xw-head span { align-self: end; }
.xw-head span:nth-child(3) { grid-column: span 2; } .xw-head span:nth-child(n + 4) { white-space: pre; text-align: right; }
.xw-list .xw-number { text-align: right; } .xw-list label:hover .xw-name { text-decoration: underline; }
.xw-list .xw-picked .xw-name { font-weight: 700; }
.xw .xw-list canvas { image-rendering: pixelated; width: var(--thumb); height: var(--thumb); padding: 0; margin: 1px 0; }
.xw-list .xw-picked canvas { outline: 2px solid currentColor; outline-offset: 1px; }
.xw-bar { position: relative; height: 10px; padding: 0; border: 1px solid color-mix(in srgb, currentColor 40%, transparent); }
.xw-bar i { position: absolute; top: 0; bottom: 0; background: currentColor; opacity: 0.6; }
.xw-bar b { position: absolute; left: 50%; top: -3px; bottom: -3px; border-left: 1px solid currentColor; }
.xw-ruler { position: relative; height: 54px; margin: 4px 0; font-variant-numeric: tabular-nums; }
.xw-ruler hr { position: absolute; left: 0; right: 0; top: 25px; height: 8px; margin: 0; box-sizing: border-box;
  border: solid currentColor; border-width: 0 2px; background: linear-gradient(currentColor, currentColor) 0 50% / 100% 2px no-repeat; }
.xw-ruler span { position: absolute; white-space: nowrap; } .xw-ruler .xw-mean { left: 0; top: 36px; }
.xw-ruler .xw-most { right: 0; top: 36px; } .xw-ruler .xw-marked { top: 0; font-weight: 600; }
.xw-ruler i { position: absolute; top: 18px; height: 0; border: 7px solid transparent; border-top: 11px solid currentColor; margin-left: -7px; }
.xw-score { font-size: 15px; font-variant-numeric: tabular-nums; }`;

// The words as a list of radio buttons, so that arrow keys walk them, each with its numbers -> show(…).
function wordList(parent, { T, grid, names }, choose) {
  const list = element(parent, "div", { className: "xw-list" }), group = `xw-word-${made++}`;
  list.style.setProperty("--thumb", `${T > 14 ? 18 : T > 8 ? 24 : 34}px`);
  list.setAttribute("role", "radiogroup");
  list.setAttribute("aria-label", "words of the text");
  const head = element(list, "div", { className: "xw-head" });
  const [, , , , here] = ["word", "it looks", "cosine of what it sees with the word itself", "half of its\nlook is in", ""]
    .map((textContent) => element(head, "span", { textContent }));
  const rows = names.map((name, t) => {
    const row = element(list, "label"), first = element(row, "span", { className: "xw-name" });
    const radio = element(first, "input", { type: "radio", name: group, onchange: () => choose(t) });
    first.append(name);
    const thumb = element(row, "canvas", { width: grid, height: grid }), bar = element(row, "span", { className: "xw-bar" });
    thumb.setAttribute("aria-hidden", "true");
    const filled = element(bar, "i");
    element(bar, "b");
    const [found, regions, share] = [0, 1, 2].map(() => element(row, "span", { className: "xw-number" }));
    return { row, radio, brush: thumb.getContext("2d"), filled, found, regions, share };
  });
  return (numbers, state, region, table) => {
    const { R, word, compete_over_words } = state, { cosines, halves, brightest, shares } = numbers;
    write(here, `${compete_over_words ? "share s̄" : "s̄ = s"} at\nthe region`);
    rows.forEach(({ row, radio, brush, filled, found, regions, share }, t) => {
      row.className = t === word ? "xw-picked" : "";
      radio.checked = t === word;
      heat(brush, numbers, state, t, table);
      Object.assign(filled.style, { left: `${50 + 50 * Math.min(0, cosines[t])}%`, width: `${50 * Math.abs(cosines[t])}%` });
      write(found, written(cosines[t]));
      write(regions, `${halves[t]} of ${R}`);
      write(share, shares[t * R + region].toFixed(2).replace("-", "−"));
      const where = `row ${Math.floor(brightest[t] / grid)}, column ${brightest[t] % grid}`;
      radio.setAttribute("aria-label", `${names[t]}: brightest in ${where}, half of its look in ${halves[t]} of ${R} `
        + `regions, cosine of what it sees with the word ${written(cosines[t])}`);
    });
  };
}

// From the mean of the cosines to their maximum, with the mark of R without its bonus -> show(…).
function ruler(parent, { T }) {
  const line = element(parent, "div", { className: "xw-ruler" });
  element(line, "hr");
  const [marked, mean, most] = ["xw-marked", "xw-mean", "xw-most"].map((className) => element(line, "span", { className }));
  const pin = element(line, "i"), sum = element(parent, "p", { className: "xw-score" });
  element(parent, "p", { textContent: `R, the plain log-sum-exp, lies above the maximum of the cosines, by at most ln ${T} / γ2. `
    + "With that bonus taken off, it lies between their mean (γ2 → 0) and their maximum (γ2 → ∞)." });
  return (numbers, { gamma2 }) => {
    const span = numbers.largest - numbers.mean, at = span > 0 ? Math.min(1, Math.max(0, (numbers.mark - numbers.mean) / span)) : 1;
    write(mean, `mean ${written(numbers.mean)}`);
    write(most, `maximum ${written(numbers.largest)}`);
    write(marked, `R − ln ${T} / γ2 = ${written(numbers.mark)}`);
    Object.assign(marked.style, { left: `${100 * at}%`, transform: `translateX(${-100 * at}%)` });
    pin.style.left = `${100 * at}%`;
    write(sum, `R = ${written(numbers.mark)} + ln ${T} / ${Number(gamma2.toPrecision(3))} = ${written(numbers.mark)} + `
      + `${written(numbers.bonus)} = ${written(numbers.score)}`);
  };
}

function render({ model, el }) {
  const data = model.get("data"), { R, grid } = data, table = decode(data.heat), features = compare(data);
  const cell = Math.floor(SIDE / grid), side = cell * grid, place = { cell, side, width: side + GAP + SMALL + 2 * EDGE, height: side + 2 * EDGE };
  const small = Object.assign(document.createElement("canvas"), { width: grid, height: grid }).getContext("2d");
  element(el, "style", { textContent: STYLE });
  const root = element(el, "div", { className: "xm xw", onkeydown: toTheCell });
  const left = element(root, "div", { className: "xw-look" }), right = element(root, "div", { className: "xw-words" });
  left.style.width = `${place.width}px`;

  // What the hand does goes into the model; what the model says is drawn. Each control stands beside what it changes.
  const put = (name, value) => model.set(name, value);
  element(left, "p", { textContent: "Pick a word: the regions where it looks light up. γ1 sharpens its look." });
  const showGamma1 = ratioSlider(left, "γ1", data.sliders.gamma1, (value) => put("gamma1", value));
  const showAttention = choices(left, "s is the", "attention", ATTENTIONS, (value) => put("attention", value));
  const competeLine = element(element(left, "p"), "label"), compete = element(competeLine, "input", { type: "checkbox" });
  compete.onchange = () => put("compete_over_words", compete.checked);
  competeLine.append("words compete at each region");
  const canvas = element(left, "canvas", { tabIndex: 0 }), context = canvas.getContext("2d");
  canvas.setAttribute("role", "application");  // a screen reader hands the arrow keys on
  canvas.setAttribute("aria-roledescription", "picture, arrow keys move from region to region");
  const tale = element(left, "div", { className: "xw-story" }), head = element(tale, "p"), showFacts = facts(tale);
  head.style.fontWeight = 600;
  const ears = element(left, "p", { className: "xm-ears" });
  ears.setAttribute("aria-live", "polite");
  const showWords = wordList(right, data, (t) => put("word", t));
  const showGamma2 = ratioSlider(right, "γ2", data.sliders.gamma2, (value) => put("gamma2", value));
  const showRuler = ruler(right, data);

  let photo = null, lastWord = model.get("word");
  let pointed = null;  // the region under the hand
  let settings = "", numbers;  // computed anew only where more has changed than the word
  if (data.picture) {
    const loading = Object.assign(new Image(), { src: data.picture, onload: () => { photo = loading; soon(); } });
  }

  function show() {
    const state = { ...data, ...Object.fromEntries(STATE.map((name) => [name, model.get(name)])) };
    if (state.word !== lastWord) pointed = null;  // another word starts at its own brightest region
    lastWord = state.word;
    const now = STATE.slice(1).map((name) => state[name]).join();
    if (now !== settings) [settings, numbers] = [now, compute(features, state)];
    const region = pointed ?? numbers.brightest[state.word];
    const told = story(numbers, state, region);
    fit(canvas, context, place);
    draw(context, place, small, numbers, state, region, table, photo, getComputedStyle(root).color);
    showGamma1(state.gamma1, `half of the look in ${numbers.halves[state.word]} of ${R} regions`);
    showGamma2(state.gamma2, `R ${written(numbers.score)}`);
    showAttention(state.attention);
    compete.checked = state.compete_over_words;
    showWords(numbers, state, region, table);
    showRuler(numbers, state);
    write(head, told.title);
    showFacts(told.lines);
    canvas.setAttribute("aria-label", told.sentence);
    canvas.dataset.region = region;
    // Aloud only when another region is picked: under a moving slider it would never end.
    if (canvas.getRootNode().activeElement === canvas) write(ears, told.sentence);
    model.set("score", numbers.score);
    model.save_changes();  // one message a frame, with all that changed
  }

  const point = (row, column) => {
    if (row < 0 || column < 0 || row >= grid || column >= grid) return;
    pointed = row * grid + column;
    soon();
  };
  arrowKeys(canvas, grid, () => [Math.floor(canvas.dataset.region / grid), canvas.dataset.region % grid], point);
  canvas.onpointerdown = canvas.onpointermove = (event) => {
    const [x, y] = inside(canvas, event).map((along) => along - EDGE);
    const [from, size] = x < side + GAP / 2 ? [0, cell] : [side + GAP, SMALL / grid];  // on either picture
    point(Math.floor(y / size), Math.floor((x - from) / size));
  };
  canvas.onpointerleave = (event) => {
    if (event.pointerType !== "mouse") return;  // a finger leaves when it is lifted
    pointed = null;
    soon();
  };

  const { soon, end } = alive(model, STATE, show);
  return end;
}

export default { render };
