"""What is made from the notebooks for others: `python -m xmatch_edu site`, slides, learner, solved, notes.

    chapters   reading the notebooks: their exercises, questions and solutions
    folder     where a product goes: made anew each time, and never over somebody's own files
    learner    the notebooks to hand out: nothing run
    solved     the notebooks with every exercise filled in
    notes      the teacher's notes
    cutting    a chapter cut into slides, by rule
    slides     a deck for every chapter
    pages      what site and slides share: the outputs of a notebook as HTML that needs no kernel
    docstrings the docstrings as the site shows them
    site       the website

Each product has `make(folder)`, and two runs make the same bytes.
"""
