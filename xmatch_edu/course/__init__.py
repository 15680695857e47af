"""The machinery behind the course: what checks, launches, publishes and measures it. A reader of a formula needs none.

    exercises     one exercise a file: its reference, its cases, its misconceptions
    launch        the commands: environment, working copy, doctor
    publish       the products made from the notebooks: site, slides, notes, notebooks to hand out
    class_map     how far a class is, from its progress files
    bench         our losses beside the same of others; the recording of GPU runs
    comparison    the losses on equal terms: the recorded runs of chapters 08 and 09
    grounding     encoders trained on scenes: the recorded run of chapter 06
    recorded      what took too long for a chapter, or a GPU, as JSON
    measure       seconds and bytes of a call
    certificate   is a rung of chapter 03's ladder the same as all before it, and what does it cost?

No door of the package imports anything here.
"""
