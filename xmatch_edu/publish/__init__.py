"""What is made from the notebooks for others: `python -m xmatch_edu site`, slides, learner, solved, notes.

    chapters   reading the notebooks: their exercises, questions and solutions
    folder     where a product goes: made anew each time, and never over somebody's own files
    learner    the notebooks to hand out: nothing run
    solved     the notebooks with every exercise filled in
    notes      the teacher's notes
    slides     a deck for every chapter
    site       the website

Each product has `make(folder)`, and two runs make the same bytes.
"""
