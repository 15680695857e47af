// What the scripts of all live pictures share; each of them stands right behind this file, in one module.

const SLIDER_STEPS = 200;

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

