"""Side-by-side measurements: ours beside the same loss of others, and beside the bare matrix products.

`python3 -m xmatch_edu bench` sets up and measures. `python -m xmatch_edu.course.bench` measures with what is there:
torch and NumPy are enough, so that it runs on a bare GPU machine; an absent rival is a line that says so.

    workloads    who is measured, on which features, how much, and whether all give the same: an object each
    rivals       the losses of others, and how each is called
    worker       one contender at one size, in a process of its own
    rounds       the parent of the workers: one repetition each in turn, and the rows that come of it
    report       the table, the line that moves, where the figures come from
    record       a GPU run for recorded/
    session      all that a lent GPU is for, in eight minutes
    __main__     the words of the command, the JSON
"""
