// How the search ranks. The numbers are Sphinx's own. But a title that holds all that was typed comes first: by those
// numbers alone the pages that merely use its words tie with it.
var Scorer = {
  score: ([page, title, anchor, description, score, file, kind]) => (kind === "title" ? score + 20 : score),
  objNameMatch: 11,
  objPartialMatch: 6,
  objPrio: { 0: 15, 1: 5, 2: -5 },
  objPrioDefault: 0,
  title: 15,
  partialTitle: 7,
  term: 5,
  partialTerm: 2,
};
