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

// A live picture is as large as its slide allows. Only what is shown can be measured.
function grow() {
  const slide = Reveal.getCurrentSlide().querySelector(".slide"), live = slide.querySelector(".live-picture");
  if (!live) return;
  for (let zoom = 1.8; zoom >= 0.8; zoom -= 0.05) {
    live.style.zoom = zoom;
    if (slide.scrollHeight <= slide.clientHeight && live.scrollWidth <= live.clientWidth) return;
  }
}
const settled = () => requestAnimationFrame(() => requestAnimationFrame(grow));  // live pictures are drawn with a frame
Reveal.on("ready", settled);
Reveal.on("slidechanged", () => {
  if (inPicture()) document.activeElement.blur();
  settled();
});
