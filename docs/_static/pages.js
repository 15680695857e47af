// What can be scrolled sideways can be reached and scrolled by keyboard, and nothing else is in the way of the Tab key.
const boxes = new ResizeObserver((seen) => {
  for (const { target } of seen) {
    if (target.scrollWidth > target.clientWidth) target.tabIndex = 0;
    else target.removeAttribute("tabindex");
  }
});
document.querySelectorAll("pre, .math-wrapper, .table-wrapper, .text_html").forEach((box) => boxes.observe(box));
