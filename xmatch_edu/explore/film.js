// The heatmap film: S of one batch through training. Python sends the scores of all frames once; every number that moves
// is computed here, in float64.
//
// S[i, j] is the score of image i (row) with text j (column). In this order below: the numbers, their words, the
// drawing, and `render`, which ties them to the page and to the model that Python shares.

const VIEWS = {
  "scores": { kind: "scores", label: "scores S", says: "how well each text goes with each image" },
  "text given image": { kind: "probabilities", label: "P(text | image)", says: "a softmax: each row sums to 1" },
  "image given text": { kind: "probabilities", label: "P(image | text)", says: "a softmax: each column sums to 1" },
};
const STATE = ["frame", "view", "cell"];
const BEAT = 150;  // ms from frame to frame while it plays
const CURVE = { width: 320, height: 132, left: 34, right: 10, top: 14, bottom: 18 };  // CSS pixels

// ---- The numbers

// In how many lines the own score is above all others. Line a starts at a·line and goes on in steps of `step`.
function won(S, n, line, step) {
  let count = 0;
  for (let a = 0; a < n; a++) {
    let best = -Infinity;
    for (let b = 0; b < n; b++) if (b !== a) best = Math.max(best, S[a * line + b * step]);
    if (S[a * n + a] > best) count++;
  }
  return count;
}

function compute({ scores, scales, frame }) {
  const S = Float64Array.from(scores[frame].flat()), n = scores[frame].length;
  const logits = S.map((score) => scales[frame] * score);
  const rows = softmax(logits, n, n, n, 1), columns = softmax(logits, n, n, 1, n);
  let loss = 0;
  for (let i = 0; i < n; i++) loss += (rows.price(i, i) + columns.price(i, i)) / 2 / n;
  const matrices = { "scores": S, "text given image": rows.P, "image given text": columns.P };
  return { n, matrices, loss, rowsRight: won(S, n, n, 1), columnsRight: won(S, n, 1, n) };
}

// What the colours of each kind mean, the same in all frames.
function limits({ scores }) {
  const all = scores.flat(2), low = all.reduce((a, b) => Math.min(a, b)), high = all.reduce((a, b) => Math.max(a, b));
  return { scores: [low, high], probabilities: [0, 1] };
}

// ---- Their words

const counted = (count, noun) => `${count} ${noun}${count === 1 ? "" : "s"}`;

function summary({ n, loss, rowsRight, columnsRight }, { steps, frame }) {
  return `after ${counted(steps[frame], "step")}: loss of this batch ${loss.toFixed(2)} (ln ${n} = ${Math.log(n).toFixed(2)}), `
    + `the own text is the brightest of its row in ${rowsRight} of ${counted(n, "row")}, `
    + `the own image of its column in ${columnsRight} of ${n}`;
}

// One cell: a sentence for ears, and [name, text] lines for eyes.
function story({ n, matrices }, { steps, frame, captions, cell: [i, j] }) {
  const c = i * n + j, [S, P, Q] = Object.values(matrices).map((matrix) => written(matrix[c]));
  const named = (what, k) => `${what} ${k}` + (captions.length ? ` (${captions[k]})` : "");
  const title = `${named("image", i)} with ${named("text", j)}: ${i === j ? "its own" : "not its own"}`;
  const lines = [
    ["score", S],
    ["P(text | image)", `${P}: this text's share of its row`],
    ["P(image | text)", `${Q}: this image's share of its column`],
  ];
  const sentence = `Row ${i}, column ${j}, ${title}. After ${counted(steps[frame], "step")}: score ${S}. `
    + `P of text given image ${P}. P of image given text ${Q}.`;
  return { title, lines, sentence };
}

// ---- The drawing

// The training loss over the steps done, with the line where training starts and the mark of the frame -> show(…).
// losses[t] is what the weights after t steps cost, so the frame after t steps stands above it.
function curve(parent, { losses, batch_size }) {
  const { width, height, left, right, top, bottom } = CURVE, start = batch_size === null ? null : Math.log(batch_size);
  const values = start === null ? losses : [...losses, start];
  const high = values.reduce((a, b) => Math.max(a, b)), low = values.reduce((a, b) => Math.min(a, b), 0);
  const x = (step) => left + (width - left - right) * step / losses.length;
  const y = (loss) => height - bottom - (height - bottom - top) * (high > low ? (loss - low) / (high - low) : 0.5);
  const line = new Path2D();
  losses.forEach((loss, step) => line.lineTo(x(step), y(loss)));
  const words = "training loss of each step" + (start === null ? ""
    : `; dashed: ln ${batch_size} = ${start.toFixed(2)}, the price of knowing nothing in a batch of ${batch_size}`);
  element(parent, "p", { textContent: words });
  const canvas = element(parent, "canvas", { className: "xf-curve" }), context = canvas.getContext("2d");
  canvas.setAttribute("role", "img");
  return (step, ink) => {
    const now = losses[Math.min(step, losses.length - 1)];
    fit(canvas, context, CURVE);
    context.clearRect(0, 0, width, height);
    Object.assign(context, { strokeStyle: ink, fillStyle: ink, lineWidth: 1, textBaseline: "middle", textAlign: "right" });
    font(context, 11);
    context.strokeRect(left - 0.5, top - 0.5, 0, height - bottom - top + 1);
    context.strokeRect(left - 0.5, height - bottom + 0.5, width - left - right, 0);
    context.fillText(written(high, 2), left - 4, y(high), left - 4);
    context.fillText(written(low, low ? 2 : 0), left - 4, y(low), left - 4);
    context.textAlign = "left";
    context.fillText("0", left, height - 7);
    context.textAlign = "right";
    context.fillText(counted(losses.length, "step"), width - right, height - 7);
    if (start !== null) {
      context.beginPath();
      context.moveTo(left, y(start));
      context.lineTo(width - right, y(start));
      context.setLineDash([5, 4]);
      context.stroke();
      context.setLineDash([]);
    }
    Object.assign(context, { globalAlpha: 0.6, lineWidth: 1.5, lineJoin: "round" });
    context.stroke(line);
    context.globalAlpha = 1;
    context.fillRect(x(step) - 1, 0, 2, height - bottom);  // the mark: from above the curve down to its foot
    context.beginPath();
    context.arc(x(step), y(now), 4, 0, 2 * Math.PI);
    context.fill();
    canvas.setAttribute("aria-label", `Curve: ${words}. From ${written(losses[0], 2)} at the first step to `
      + `${written(losses.at(-1), 2)} at the last of ${losses.length}. Marked: ${written(now, 2)} after ${counted(step, "step")}.`);
  };
}

// ---- The page

const STYLE = `${COMMON_STYLE}
.xf-map { cursor: crosshair; } .xf-side { flex: 1 1 320px; max-width: 480px; min-width: 240px; }
.xm .xf-time { display: flex; align-items: center; gap: 10px; margin-bottom: 6px; font-variant-numeric: tabular-nums; }
.xf-time button { min-width: 5em; } .xf-time input { flex: 1; min-width: 80px; margin: 0; } .xf-time span { font-weight: 600; }
.xm .xf-summary { min-height: 4.2em; font-size: 14px; font-variant-numeric: tabular-nums; }
.xf-story { border-top: 1px solid var(--jp-border-color1, GrayText); margin-top: 8px; padding-top: 6px; min-height: 8em; }
.xf-story img { width: 36px; height: 36px; float: right; margin-left: 8px; }`;

function render({ model, el }) {
  const data = model.get("data"), n = data.scores[0].length, last = data.steps.length - 1, ends = limits(data);
  const colours = Object.fromEntries(Object.entries(data.colours).map(([kind, hex]) => [kind, decode(hex)]));
  const place = measure(n, data), own = Array.from({ length: n }, (_, k) => k);  // text k stands in column k
  element(el, "style", { textContent: STYLE });
  const root = element(el, "div", { className: "xm xf", onkeydown: toTheCell }), left = element(root, "div"), side = element(root, "div", { className: "xf-side" });
  left.style.maxWidth = `${Math.max(place.width, 360)}px`;

  // What the hand does goes into the model; what the model says is drawn. So Python and every view move together.
  const put = (name, value) => model.set(name, value);
  const title = element(left, "p"), time = element(left, "div", { className: "xf-time" });
  const button = element(time, "button"), line = element(time, "label", { className: "xf-time" });
  const slider = element(line, "input", { type: "range", min: 0, max: last, step: 1 }), words = element(line, "span");
  line.style.flex = 1;
  slider.setAttribute("aria-label", "frame of the film");
  const summed = element(left, "p", { className: "xf-summary" });
  const { canvas, paint } = heatmap(left, place, data.pictures, model, () => soon(), { className: "xf-map" });
  const showView = choices(side, "show", "view", VIEWS, (view) => put("view", view));
  const showCurve = data.losses.length ? curve(side, data) : () => {};
  const tale = element(side, "div", { className: "xf-story" }), portrait = data.pictures.length ? element(tale, "img", { alt: "" }) : {};
  const head = element(tale, "p"), showFacts = facts(tale);
  const ears = element(side, "p", { className: "xm-ears" });
  ears.setAttribute("aria-live", "polite");

  // It moves by itself only when asked to, and not for long: so also for who prefers little motion.
  let playing = 0, finished = false, lastCell = String(model.get("cell"));
  const stop = () => {
    clearInterval(playing);
    finished ||= playing > 0;
    playing = 0;
    soon();
  };
  const play = () => {
    if (model.get("frame") === last) put("frame", 0);
    playing = setInterval(() => {
      if (model.get("frame") < last) put("frame", model.get("frame") + 1);
      if (model.get("frame") === last) stop();
    }, BEAT);
    soon();
  };
  button.onclick = () => (playing ? stop() : play());
  button.disabled = last === 0;
  slider.oninput = () => {
    if (playing) stop();  // the hand has taken over
    put("frame", Number(slider.value));
  };

  function show() {
    const state = { ...data, ...Object.fromEntries(STATE.map((name) => [name, model.get(name)])) };
    const { kind, label, says } = VIEWS[state.view], ink = getComputedStyle(root).color, step = state.steps[state.frame];
    const numbers = compute(state), told = story(numbers, state), sum = summary(numbers, state);
    const matrix = numbers.matrices[state.view], [low, high] = ends[kind], { captions } = data;
    paint({ matrix, kind, low, high, table: colours[kind], texts: own, matches: own, captions, cell: state.cell, ink });
    showView(state.view);
    showCurve(step, ink);
    write(title, `${label} — ${says}`);
    write(button, playing ? "pause" : "play");
    slider.value = state.frame;
    write(words, `step ${step} of ${state.steps[last]}`);
    slider.setAttribute("aria-valuetext", `step ${step} of ${state.steps[last]}, loss ${numbers.loss.toFixed(2)}`);
    write(summed, sum);
    if (portrait.src !== data.pictures[state.cell[0]]) portrait.src = data.pictures[state.cell[0]];
    write(head, told.title);
    showFacts(told.lines);
    canvas.setAttribute("aria-label", told.sentence);
    // Aloud only when the film has stopped or another cell is picked: under a running film it would never end.
    if (finished) write(ears, sum);
    else if (String(state.cell) !== lastCell && canvas.getRootNode().activeElement === canvas) write(ears, told.sentence);
    [finished, lastCell] = [false, String(state.cell)];
    model.set("loss", numbers.loss);
    model.save_changes();  // one message a frame, with all that changed
  }

  const { soon, end } = alive(model, STATE, show);
  return () => {
    clearInterval(playing);
    end();
  };
}

export default { render };
