"""Side-by-side measurements: ours beside the same loss of others, and beside the bare matrix products.

`python3 -m xmatch_edu bench` sets up and measures. `python -m xmatch_edu.course.bench` measures with what is there:
torch and NumPy are enough, so that it runs on a bare GPU machine; an absent rival is a line that says so.

    contenders   the matching loss: who is measured, on which features, and how each is called
    damsm        the same three for the score of words and regions
    ranking      the same for the ranking loss
    tiles        the same for the matching loss at size, on a CPU and on a GPU
    worker       one contender at one size, in a process of its own
    rounds       the parent of the workers: one repetition each in turn, and the rows that come of it
    report       the table, the line that moves, where the figures come from
    record       a GPU run for recorded/
    __main__     the words of the command, the JSON
"""
