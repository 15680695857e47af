// The live picture of one batch. Python sends the scores once; every number that moves is computed here, in float64.
//
// S[i, k] is the score of image i (row) with the text in column k (text order[k]). In this order below: the numbers,
// their words, the drawing, and `render`, which ties them to the page and to the model that Python shares.

const VIEWS = {
  "scores": { kind: "scores", label: "scores S", says: "how well each text goes with each image" },
  "text given image": { kind: "probabilities", label: "P(text | image)", says: "a softmax: each row sums to 1" },
  "image given text": { kind: "probabilities", label: "P(image | text)", says: "a softmax: each column sums to 1" },
  "labels": { kind: "labels", label: "labels", says: "light: what the loss takes for a match" },
  "gradient": { kind: "gradient", label: "gradient", says: "light: lower this score; dark: raise it" },
  "violations": { kind: "violations", label: "violations", says: "light: what a non-match within the margin costs" },
};
// What each direction weighs, [the rows' loss, the columns' loss]: of both, the softmax loss is the mean (weights), the
// hinge loss the sum (counts).
const DIRECTIONS = {
  image_to_text: { label: "rows", weights: [1, 0], says: "loss of the rows",
    counts: [1, 0], hinges: "hinge loss of the rows, summed" },
  text_to_image: { label: "columns", weights: [0, 1], says: "loss of the columns",
    counts: [0, 1], hinges: "hinge loss of the columns, summed" },
  both: { label: "both", weights: [0.5, 0.5], says: "loss, mean of rows and columns",
    counts: [1, 1], hinges: "hinge loss, sum of rows and columns" },
};
const NEGATIVES = { all: { label: "all" }, top: { label: "top 3" }, hardest: { label: "hardest" } };
const STATE = ["view", "scale", "margin", "negatives", "direction", "order", "labels_follow", "cell"];

// ---- The numbers

// The hinges of all lines: line a starts at a·line and goes on in steps of `step`; its match is the own[a]-th in it.
function hinges(S, own, line, step, margin, negatives) {
  const costs = new Float64Array(S.length), totals = new Float64Array(own.length), kept = new Array(own.length);
  const most = negatives === "all" ? own.length : negatives === "hardest" ? 1 : negatives;
  own.forEach((match, a) => {
    const found = [];
    for (let b = 0; b < own.length; b++) {
      const cost = margin + S[a * line + b * step] - S[a * line + match * step];
      if (b !== match && cost > 0) found.push([cost, a * line + b * step]);
    }
    // Stable, as in `loops`: of equal ones the first counts. Where all count, their order is of no account.
    if (found.length > most) found.sort(([one], [other]) => other - one);
    const counted = found.slice(0, most);
    kept[a] = counted.length;
    for (const [cost, at] of counted) totals[a] += costs[at] = cost;
  });
  return { costs, totals, kept, loss: totals.reduce((sum, one) => sum + one, 0) };
}

function compute({ scores, order, scale, margin, negatives, direction, labels_follow }) {
  const n = order.length, S = new Float64Array(n * n), Y = new Float64Array(n * n), gradient = new Float64Array(n * n);
  const label = new Array(n), owner = new Array(n);  // the column of image i's match; the image that column k belongs to
  order.forEach((text, k) => {
    owner[k] = labels_follow ? text : k;
    label[owner[k]] = k;
    for (let i = 0; i < n; i++) S[i * n + k] = scores[i][text];
  });
  const logits = S.map((score) => scale * score);
  const rows = softmax(logits, n, n, n, 1), columns = softmax(logits, n, n, 1, n);
  const [w, v] = DIRECTIONS[direction].weights;
  const shares = label.map((k, i) => (w * rows.price(i, k) + v * columns.price(k, i)) / n);  // what each match pays
  for (let i = 0; i < n; i++) Y[i * n + label[i]] = 1;
  for (let c = 0; c < n * n; c++) gradient[c] = scale * (w * (rows.P[c] - Y[c]) + v * (columns.P[c] - Y[c])) / n;
  const byRow = hinges(S, label, n, 1, margin, negatives), byColumn = hinges(S, owner, 1, n, margin, negatives);
  const [r, s] = DIRECTIONS[direction].counts;
  const violations = byRow.costs.map((cost, c) => r * cost + s * byColumn.costs[c]);
  const matrices = {
    "scores": S, "text given image": rows.P, "image given text": columns.P, "labels": Y, gradient, violations,
  };
  return {
    n, matrices, logits, rows, columns, label, owner, shares, loss: shares.reduce((sum, one) => sum + one, 0),
    byRow, byColumn, rankingLoss: r * byRow.loss + s * byColumn.loss,
  };
}

// ---- Their words

const signed = (x, digits) => (x < 0 ? "" : "+") + written(x, digits);
const plus = (x) => (x < 0 ? `− ${written(-x)}` : `+ ${written(x)}`);  // inside a sum
const costing = (count, of) => `${count} of ${of} non-match${of === 1 ? "" : "es"} `
  + `cost${count === 1 ? "s" : ""} something`;

// The terms of the dot product that weigh most, and the rest in one number.
function dotProduct(image, text) {
  const terms = image.map((x, d) => ({ d, x, y: text[d], term: x * text[d] }));
  const dot = terms.reduce((sum, { term }) => sum + term, 0);
  const first = [...terms].sort((a, b) => Math.abs(b.term) - Math.abs(a.term)).slice(0, 3);
  const rest = dot - first.reduce((sum, { term }) => sum + term, 0), others = terms.length - first.length;
  const parts = first.map(({ d, x, y, term }) => `feature ${d}: ${written(x, 2)} × ${written(y, 2)} = ${signed(term)}`);
  if (others > 0) parts.push(`the other ${others} together ${signed(others ? rest : 0)}`);
  return `Dot product of the features ${written(dot)}: ${parts.join("; ")}`;
}

// One cell in words: a sentence for ears, and [name, text] lines for eyes. What score and labels say goes for every
// view; what a loss makes of them is told by `softmaxStory` or `hingeStory`: { sides, effects, aloud }.
function story(numbers, state, [i, k]) {
  const { order, labels_follow, captions, image_features, text_features } = state, { label, owner, matrices } = numbers;
  const text = order[k], S = matrices.scores[i * numbers.n + k], isMatch = label[i] === k;
  const image = `image ${i}` + (captions.length ? ` (${captions[i]})` : "");
  const words = `text ${text}` + (captions.length ? ` (${captions[text]})` : "");
  const told = (state.view === "violations" ? hingeStory : softmaxStory)(numbers, state, [i, k], isMatch);
  const lines = [
    ["score", written(S) + (image_features.length ? `. ${dotProduct(image_features[i], text_features[text])}` : "")],
    ...told.sides,
    ["label", isMatch ? "1: a match" + (i === text || labels_follow ? "" : ", say the labels; but this text is not its own")
      : `0: the match of this row is column ${label[i]}, of this column row ${owner[k]}`],
    ...told.effects,
  ];
  const [before, after] = told.aloud;
  const sentence = `Row ${i}, ${image}. Column ${k}, ${words}. Score ${written(S)}. ${before}. `
    + `Label ${isMatch ? 1 : 0}. ${after}.`;
  return { title: `${image} with ${words}, in column ${k}`, sentence, lines };
}

function softmaxStory({ n, rows, columns, logits, shares, loss, matrices }, { scale, direction }, [i, k], isMatch) {
  const c = i * n + k, S = matrices.scores[c], [w, v] = DIRECTIONS[direction].weights;
  const along = (side, a) => `logit ${written(scale, 2)} × ${written(S)} = ${written(logits[c])}; exp(logit − largest `
    + `${written(side.largest[a])}) = ${written(side.share[c])}, of ${written(side.total[a])} in all: P = `
    + written(side.P[c]);
  const gradient = matrices.gradient[c], share = isMatch ? shares[i] : 0;
  const pays = [w ? `row ${written(rows.price(i, k))}` : "", v ? `column ${written(columns.price(k, i))}` : ""];
  const effects = [
    ["gradient", `${signed(gradient, 4)}: training ${gradient < 0 ? "raises" : gradient > 0 ? "lowers" : "leaves"} this score`],
    ["pays", isMatch ? `−ln P: ${pays.filter(Boolean).join(", ")}; ${written(share)} of the loss ${written(loss)}`
      + (loss > 0 ? ` (${Math.round(100 * share / loss)} %)` : "") : "nothing itself: only matches pay"],
  ];
  const aloud = [`P of text given image ${written(rows.P[c])}. P of image given text ${written(columns.P[c])}`,
    `Gradient ${signed(gradient, 4)}. Share of the loss ${written(share)}`];
  return { sides: [["row", along(rows, i)], ["column", along(columns, k)]], effects, aloud };
}

// Only the sides that the direction counts are told: the other costs nothing in this picture.
function hingeStory({ n, matrices, label, owner, byRow, byColumn }, { margin, negatives, direction }, [i, k], isMatch) {
  const c = i * n + k, S = matrices.scores, counts = DIRECTIONS[direction].counts;
  const sides = [["row", byRow, i, i * n + label[i]], ["column", byColumn, k, owner[k] * n + k]]
    .filter((_, side) => counts[side]).map(([name, side, a, match]) => ({ name, side, a, match }));
  const m = `margin ${Number(margin.toPrecision(3))}`;
  const tell = ({ name, side, a, match }) => {
    if (isMatch) {
      return n === 1 ? "the match, with no other beside it" : `the match: ${costing(side.kept[a], n - 1)} `
        + `in this ${name}${side.kept[a] ? `, ${written(side.totals[a])} in all` : ""}`;
    }
    const cost = margin + S[c] - S[match], sum = `${m} ${plus(S[c])} ${plus(-S[match])} (the match)`;
    const among = negatives === "hardest" || negatives === 1 ? "the hardest" : `among the hardest ${negatives}`;
    return `${sum} = ${written(cost)}: ` + (cost <= 0 ? "far enough, costs nothing"
      : side.costs[c] > 0 ? `costs ${written(cost)}` : `but not ${among}: left out`);
  };
  // The gradient of a sum of hinges counts them: each that costs is +1 at its non-match and −1 at its match.
  const moves = sides.map(({ name, side, a }) => [isMatch ? side.kept[a] : Number(side.costs[c] > 0), name]);
  const times = moves.reduce((sum, [count]) => sum + count, 0);
  const gradient = (times ? (isMatch ? "−" : "+") : "") + times;
  const often = ["", "once", "twice"][times] ?? `${times} times`;
  const by = moves.filter(([count]) => count)
    .map(([count, name]) => (isMatch ? `${count} violation${count === 1 ? "" : "s"} in its ${name}` : `its ${name}`));
  const moved = times ? `${isMatch ? "pulled up" : "pushed down"} ${often}, by ${by.join(" and ")}`
    : "training leaves this score";
  const cost = matrices.violations[c];
  const aloud = [isMatch ? "The match" : `Costs ${cost ? written(cost) : "nothing"}`, `Gradient ${gradient}, ${moved}`];
  const effects = [["gradient", `${gradient}: ${moved}`]];
  return { sides: sides.map((side) => [side.name, tell(side)]), effects, aloud };
}

// The line above the square, and what its meter measures: the value beside the mark, with what the mark means.
function softmaxLine({ n, loss }, { direction }) {
  const words = `${DIRECTIONS[direction].says}: ${loss.toFixed(4)} · ln ${n} = ${Math.log(n).toFixed(4)}`;
  return { words, value: loss, mark: Math.log(n), markSays: "ln N, the price of knowing nothing" };
}

function hingeLine({ n, rankingLoss, matrices }, { margin, direction }) {
  const { counts: [w, v], hinges } = DIRECTIONS[direction], mark = (w + v) * margin * n;
  const costly = matrices.violations.filter((cost) => cost > 0).length;
  const words = `${hinges}: ${rankingLoss.toFixed(4)}\n${costing(costly, n * (n - 1))}`;
  const markSays = `${w + v > 1 ? "2·" : ""}m·N = ${written(mark)}, what "hardest" costs when every score is equal`;
  return { words, value: rankingLoss, mark, markSays };
}

// ---- The drawing

// What the colours mean, from the darkest to the lightest.
function limits(kind, matrix) {
  if (kind === "probabilities" || kind === "labels") return [0, 1];
  const low = matrix.reduce((a, b) => Math.min(a, b)), high = matrix.reduce((a, b) => Math.max(a, b));
  const most = Math.max(-low, high) || 1;
  if (kind === "violations") return [0, most];
  return kind === "gradient" ? [-most, most] : [low, high];  // a gradient has its 0 in the middle
}

// ---- The page

const STYLE = `${COMMON_STYLE}
.xm canvas { cursor: crosshair; } .xm-side { flex: 1 1 250px; max-width: 480px; min-width: 240px; }
.xm .xm-texts { padding: 0; align-items: center; }
.xm-loss { font-size: 15px; white-space: pre-line; font-variant-numeric: tabular-nums; }
.xm-meter { position: relative; height: 10px; margin-bottom: 10px; border: 1px solid currentColor; }
.xm-meter i { display: block; height: 100%; background: currentColor; opacity: 0.55; }
.xm-meter b { position: absolute; left: 50%; top: -4px; bottom: -4px; border-left: 2px solid currentColor; }
.xm [hidden] { display: none; }
.xm .xm-negatives fieldset { padding-left: 72px; }
.xm-story { border-top: 1px solid var(--jp-border-color1, GrayText); padding-top: 6px; min-height: 17em; }
.xm-story img { width: 36px; height: 36px; float: right; margin-left: 8px; }`;

function render({ model, el }) {
  const data = model.get("data"), n = data.scores.length, { low, high } = data;
  const colours = Object.fromEntries(Object.entries(data.colours).map(([kind, hex]) => [kind, decode(hex)]));
  const place = measure(n, data);
  element(el, "style", { textContent: STYLE });
  const root = element(el, "div", { className: "xm", onkeydown: toTheCell }), left = element(root, "div"), side = element(root, "div", { className: "xm-side" });

  // What the hand does goes into the model; what the model says is drawn. So Python and every view move together.
  const put = (name, value) => model.set(name, value);
  // The slider and the loss stand right above the square: in a narrow window the rest slips below it.
  const title = element(left, "p"), forScale = element(left, "div"), forMargin = element(left, "div");
  const showScale = ratioSlider(forScale, "scale", [low, high], (scale) => put("scale", scale));
  const showMargin = ratioSlider(forMargin, "margin", data.margins, (margin) => put("margin", margin));
  const lossLine = element(left, "p", { className: "xm-loss" }), meter = element(left, "div", { className: "xm-meter" });
  const { canvas, paint } = heatmap(left, place, data.pictures, model, () => soon());
  left.style.maxWidth = `${Math.max(place.width, 360)}px`;
  const showView = choices(side, "show", "view", VIEWS, (view) => put("view", view));
  const showDirection = choices(side, "loss of", "direction", DIRECTIONS, (direction) => put("direction", direction));
  const forNegatives = element(side, "div", { className: "xm-negatives" });
  let top = 3;  // how many the middle choice takes, until Python says another number
  const showNegatives = choices(forNegatives, "negatives", "negatives", NEGATIVES,
    (negatives) => put("negatives", negatives === "top" ? top : negatives));
  const texts = element(side, "fieldset", { className: "xm-texts" });
  let deals = 0;
  element(texts, "button", { textContent: "shuffle the texts", onclick: () => put("order", data.shuffles[deals++ % data.shuffles.length]) });
  element(texts, "button", { textContent: "put them back", onclick: () => put("order", data.scores.map((_, k) => k)) });
  const followLine = element(texts, "label"), follow = element(followLine, "input", { type: "checkbox" });
  follow.onchange = () => put("labels_follow", follow.checked);
  followLine.append("labels follow");
  const filled = element(meter, "i");
  element(meter, "b");
  const tale = element(side, "div", { className: "xm-story" }), portrait = data.pictures.length ? element(tale, "img", { alt: "" }) : {};
  const head = element(tale, "p"), showFacts = facts(tale);
  const ears = element(side, "p", { className: "xm-ears" });
  ears.setAttribute("aria-live", "polite");

  function show() {
    const state = { ...data, ...Object.fromEntries(STATE.map((name) => [name, model.get(name)])) };
    const numbers = compute(state), { loss, rankingLoss } = numbers, told = story(numbers, state, state.cell);
    const matrix = numbers.matrices[state.view], { kind } = VIEWS[state.view], [low, high] = limits(kind, matrix);
    paint({ matrix, kind, low, high, table: colours[kind], texts: state.order, matches: numbers.label,
      captions: data.captions, cell: state.cell, ink: getComputedStyle(root).color });

    showView(state.view);
    showDirection(state.direction);
    follow.checked = state.labels_follow;
    showScale(state.scale, `loss ${loss.toFixed(2)}`);
    showMargin(state.margin, `hinge loss ${rankingLoss.toFixed(2)}`);
    if (typeof state.negatives === "number") top = state.negatives;
    showNegatives(typeof state.negatives === "number" ? "top" : state.negatives, { top: `top ${top}` });
    const hinged = state.view === "violations";
    forScale.hidden = hinged;
    forMargin.hidden = forNegatives.hidden = !hinged;
    write(title, `${VIEWS[state.view].label} — ${VIEWS[state.view].says}`);
    const { words, value, mark, markSays } = (hinged ? hingeLine : softmaxLine)(numbers, state);
    write(lossLine, words);
    meter.title = `the mark in the middle: ${markSays}`;
    filled.style.width = n > 1 ? `${Math.min(100, 50 * value / mark)}%` : "0";
    if (portrait.src !== data.pictures[state.cell[0]]) portrait.src = data.pictures[state.cell[0]];
    write(head, told.title);
    showFacts(told.lines);
    canvas.setAttribute("aria-label", told.sentence);
    // Aloud only when another cell is picked: under a moving slider it would never end.
    if (canvas.getRootNode().activeElement === canvas) write(ears, told.sentence);
    model.set("loss", loss);
    model.set("ranking_loss", rankingLoss);
    model.save_changes();  // one message a frame, with all that changed
  }

  const { soon, end } = alive(model, STATE, show);
  return end;
}

export default { render };
