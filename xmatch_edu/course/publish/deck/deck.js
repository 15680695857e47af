// How a deck starts. A live picture has its own keys: while the focus is in it, the deck leaves them alone.

const inPicture = () => document.activeElement?.closest(".live-picture");

window.MathJax = {
  tex: { inlineMath: [["$", "$"]], displayMath: [["$$", "$$"]] },
  options: { enableMenu: false },
};

addEventListener("keydown", (event) => {  // the way back to the deck's keys
  if (event.key !== "Escape" || !inPicture()) return;
  document.activeElement.blur();
  event.stopPropagation();
}, true);

Reveal.initialize({
  width: 1280,
  height: 720,
  margin: 0,
  center: false,
  hash: true,
  slideNumber: "c/t",
  pdfSeparateFragments: false,
  transition: matchMedia("(prefers-reduced-motion: reduce)").matches ? "none" : "slide",
  keyboardCondition: () => !inPicture(),
  plugins: [RevealNotes],
});

// A live picture is as large as its slide allows, and grows no more once it had to shrink: it should not jump about
// under the hand. What is not laid out has no size.
const changed = new ResizeObserver((news) => news.forEach(({ target: live }) => {
  const slide = live.closest(".slide");
  if (!slide.clientHeight) return;
  const fits = () => slide.scrollHeight <= slide.clientHeight && live.scrollWidth <= live.clientWidth;
  for (let zoom = Number(live.style.zoom) || 1.8; zoom >= 0.6; zoom -= 0.05) {
    live.style.zoom = zoom;
    if (fits()) return;
  }
}));
document.querySelectorAll(".live-picture").forEach((live) => changed.observe(live));
Reveal.on("slidechanged", () => { if (inPicture()) document.activeElement.blur(); });
