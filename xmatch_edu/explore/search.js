// A search in a gallery: words in, pictures out, and the words of a picture. Python computes every answer; this page asks
// and shows. In this order below: the words, the page, and `render`, which ties it to the model that Python shares.

const PAUSE = 150;  // ms without a key until Python is asked
const PATIENCE = 2000;  // ms without an answer until the page says so

// ---- The words

const labelled = ({ caption, score }) => (score === undefined ? caption : `${caption}, ${written(score, 2)}`);

// What stands above the pictures.
function summary({ query, unknown, found }, { size, start }) {
  const pick = `Or pick a picture: here ${start.length === 1 ? "is one" : `are ${start.length}`} of the ${size}.`;
  const names = unknown.join(", ");
  if (!query.trim()) return `Type words. ${pick}`;
  if (!found.length) return unknown.length ? `None of these words is known: ${names}. ${pick}` : `There is no word in this. ${pick}`;
  return `The best ${found.length === 1 ? "one" : found.length} of ${size} pictures, with their cosines`
    + (unknown.length ? `. Not known, so left out: ${names}` : "");
}

function place({ rank }, { size }) {
  const among = Number.isInteger(rank) ? "" : ", in the middle of its equals";
  return `For this picture its own text is number ${rank} of the ${size} texts${among}.`;
}

// ---- The page

const STYLE = `${COMMON_STYLE}
.xs { flex-direction: column; max-width: 960px; } .xm .xs-ask { display: flex; gap: 8px; align-items: center; font-weight: 600; }
.xm .xs-ask input { font: inherit; font-weight: 400; flex: 1; max-width: 420px; min-width: 0; margin: 0; padding: 3px 6px;
  color: inherit; background: var(--jp-layout-color0, Field); border: 1px solid var(--jp-border-color1, GrayText); border-radius: 3px; }
.xm .xs-said { margin: 4px 0; min-height: 1.4em; overflow-wrap: anywhere; }
.xm ul, .xm ol { list-style: none; margin: 0; padding: 0; }
.xs-found { display: flex; flex-wrap: wrap; gap: 6px; }
.xm .xs-found button { width: 108px; height: 100%; padding: 6px 4px; display: flex; flex-direction: column; align-items: center; gap: 4px;
  font-variant-numeric: tabular-nums; overflow-wrap: anywhere; }
.xm .xs-found button[aria-pressed=true] { box-shadow: inset 0 0 0 3px currentColor; font-weight: 600; }
.xs img { width: 64px; height: 64px; border-radius: 4px; }
.xs-picked { border-top: 1px solid var(--jp-border-color1, GrayText); margin-top: 8px; padding-top: 8px; display: flex; flex-wrap: wrap; gap: 8px 24px; }
.xm [hidden] { display: none; } .xs-picked .xs-head { flex: 1 1 100%; display: flex; gap: 12px; align-items: center; }
.xs-picked section { flex: 1 1 300px; min-width: 0; max-width: 460px; } .xm h4 { font: inherit; font-weight: 600; margin: 0 0 4px; }
.xs-words li { display: grid; grid-template-columns: 9em 1fr 3.2em; gap: 8px; align-items: center; font-variant-numeric: tabular-nums; }
.xs-words span:first-child { overflow: hidden; text-overflow: ellipsis; white-space: nowrap; }
.xs-words span:last-child, .xs-texts span:last-child { text-align: right; }
.xs-words i { display: block; height: 10px; border: 1px solid color-mix(in srgb, currentColor 40%, transparent); }
.xs-words b { display: block; height: 100%; background: currentColor; opacity: 0.6; }
.xs-texts li { display: flex; justify-content: space-between; gap: 8px; font-variant-numeric: tabular-nums; }
.xs-texts .xs-own { font-weight: 700; }`;

// A list whose lines stay while their words change, so that a picked button keeps the keys. It never grows or shrinks:
// as many pictures stand there before a query as are found. -> show(items).
function steadyList(parent, name, className, build) {
  const list = element(parent, name, { className }), fills = [];
  list.setAttribute("role", "list");  // which some screen readers forget where no bullets are
  const show = (items) => items.forEach((item, at) => {
    fills[at] ??= build(element(list, "li"));
    fills[at](item);
  });
  return { list, show };
}

function render({ model, el }) {
  const data = model.get("data");
  element(el, "style", { textContent: STYLE });
  const root = element(el, "div", { className: "xm xs", onkeydown: toTheCell });

  const put = (name, value) => {
    model.set(name, value);
    model.save_changes();
    soon();
  };
  const ask = element(root, "label", { className: "xs-ask", textContent: "search" });
  const input = element(ask, "input", { type: "search", maxLength: data.longest, autocomplete: "off", spellcheck: false });
  const said = element(root, "p", { className: "xs-said" });
  said.setAttribute("aria-live", "polite");
  const found = steadyList(root, "ul", "xs-found", (line) => {
    const button = element(line, "button", { type: "button" }), picture = element(button, "img", { alt: "" });
    const words = element(button, "span");
    return (card) => {
      if (picture.src !== card.picture) picture.src = card.picture;
      write(words, labelled(card));
      button.onclick = () => put("picked", card.position);
      button.setAttribute("aria-pressed", String(card.position === model.get("picked")));
    };
  });
  const about = element(root, "div", { className: "xs-picked" }), head = element(about, "div", { className: "xs-head" });
  about.setAttribute("role", "region");
  about.setAttribute("aria-label", "the picked picture");
  const portrait = element(head, "img", { alt: "" }), told = element(head, "div");
  const title = element(told, "h4"), rank = element(told, "p");
  const close = element(told, "button", { type: "button", textContent: "put it back" });
  const nearWords = element(about, "section"), nearTexts = element(about, "section");
  element(nearWords, "h4", { textContent: "the words nearest to it, by cosine" });
  element(nearTexts, "h4", { textContent: "the texts nearest to it, by cosine" });
  const wordList = steadyList(nearWords, "ol", "xs-words", (line) => {
    const word = element(line, "span"), bar = element(element(line, "i"), "b"), number = element(line, "span");
    return ([name, cosine]) => {
      write(word, name);
      write(number, written(cosine, 2));
      bar.style.width = `${100 * Math.min(1, Math.max(0, cosine))}%`;
    };
  });
  const textList = steadyList(nearTexts, "ol", "xs-texts", (line) => {
    const words = element(line, "span"), number = element(line, "span");
    return ([caption, cosine, own]) => {
      line.className = own ? "xs-own" : "";
      write(words, own ? `${caption} — its own` : caption);
      write(number, written(cosine, 2));
    };
  });
  const ears = element(root, "p", { className: "xm-ears" });
  ears.setAttribute("aria-live", "polite");
  close.onclick = () => {
    const pressed = found.list.querySelector("[aria-pressed=true]") ?? input;  // where the keys were before
    put("picked", null);
    pressed.focus();
  };

  let sent = null;  // what Python knows; else an answer to the third letter would wipe out the fourth
  let typing = 0, waiting = 0, late = false;
  input.oninput = () => {
    clearTimeout(typing);
    typing = setTimeout(() => put("query", sent = input.value), PAUSE);
  };

  function show() {
    const results = model.get("results"), query = model.get("query"), picked = model.get("picked");
    if (query !== sent) input.value = sent = query;
    const answered = results.query === query && (results.picked?.position ?? null) === picked;
    found.list.setAttribute("aria-busy", String(!answered));
    if (answered) {
      clearTimeout(waiting);
      waiting = 0;
      late = false;
    } else {
      waiting ||= setTimeout(() => { late = true; soon(); }, PATIENCE);
    }
    write(said, late ? "No answer yet: a search needs Python, and it is busy or has stopped." : summary(results, data));
    found.show(results.found.length ? results.found : data.start);
    about.hidden = !results.picked;
    if (!results.picked) return write(ears, "");
    const { caption, picture, words, captions } = results.picked;
    if (portrait.src !== picture) portrait.src = picture;
    write(title, caption);
    write(rank, place(results.picked, data));
    wordList.show(words);
    textList.show(captions);
    const near = words.slice(0, 3).map(([word, cosine]) => `${word} ${written(cosine, 2)}`).join(", ");
    write(ears, `Picked: ${caption}. The words nearest to it: ${near}. ${place(results.picked, data)}`);
  }

  const { soon, end } = alive(model, ["query", "picked", "results"], show);
  return () => {
    clearTimeout(typing);
    clearTimeout(waiting);
    end();
  };
}

export default { render };
