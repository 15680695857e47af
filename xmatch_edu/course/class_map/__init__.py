"""How far a class is, from its progress files: `python -m xmatch_edu class-map FOLDER`, for teachers.

    command    the words of the command
    hand_ins   who handed in what, and the bytes of each progress file, also out of a zip
    reading    a progress file is read, or refused with a reason
    names      names that can be shown, and pseudonyms
    figures    who solved what, what was met most, who is stuck
    drawing    the page class_map.html
    tables     class_map.csv and misconceptions.csv

FOLDER holds one hand-in a learner, and its name is the learner's: `Anna.json`, a copy of Anna's progress.json; or the
folder `Anna` with progress.json in it; or `Anna.zip` with one progress.json anywhere in it, a zipped work folder say.
The form of the file stands in `check/progress.py`.

Files of learners are read as data. Nothing in them is run, imported or unpacked, links are not followed, and no more is
read of a file than a progress file can need. A file that cannot be read is named with the reason, and stops nothing.
A learner can write anything into such a file: the map is there to help, not to give marks by.

`--pseudonyms` deals the numbers of "learner 07" at random, anew in each run, and keeps no list of who is who. So nobody
can work a name out of the output, not even with the class list in hand: a number made from the name itself could be
found by trying every name. What it does not hide: somebody who knows what a learner did (the one who solved all of
chapter 11, say) finds that row, and so does somebody who has the page with names beside it. Two pages with pseudonyms
cannot be joined by number, only by what stands in the rows.
"""
