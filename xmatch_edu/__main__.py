"""The words of `python3 -m xmatch_edu ...`; the work is in course/launch/.

All of this file must be readable by Python 3.6, so that an old Python gets a sentence and not a SyntaxError.
"""
import argparse
import signal
import sys

OLDEST = (3, 11)
PUBLISHED = {  # what is made from the notebooks for others
    "site": "make the website",
    "slides": "make slides of every chapter, to show without a network",
    "learner": "make the learner's notebooks: nothing run, nothing filled in",
    "solved": "make the solved notebooks",
    "notes": "make the teacher's notes",
}


def main(words):
    if sys.version_info < OLDEST:
        print(f"This course needs Python {OLDEST[0]}.{OLDEST[1]} or newer; this is {sys.version.split()[0]} at "
              f"{sys.executable}. Install a newer one and run the same command with it, for example: "
              "python3.13 -m xmatch_edu lab", file=sys.stderr)
        return 1
    parser = argparse.ArgumentParser(prog="python3 -m xmatch_edu")
    commands = parser.add_subparsers(dest="command", metavar="command")
    commands.required = True
    lab = commands.add_parser("lab", help="set up what is needed and open the notebooks in JupyterLab")
    lab.add_argument("--no-browser", action="store_true", help="print the address and open no browser")
    lab.add_argument("--port", type=int, help="the port to listen on (otherwise the first free one from 8888)")
    lab.add_argument("--dir", help="the folder of your notebooks (otherwise work/ beside the course's)")
    lab.add_argument("--keras", action="store_true", help="set up Keras 3 too, for the last part of chapter 07")
    commands.add_parser("test", help="set up what is needed and run the fast tests, with --all every test; "
                                     "more words go to pytest")
    commands.add_parser("doctor", help="look at Python, torch, JupyterLab, widgets, kernel; name the fixes")
    commands.add_parser("bench",
                        usage="python3 -m xmatch_edu bench [--damsm | --ranking | --tiles | --record [FOLDER] | "
                              "--record-tiles [FOLDER] | --gpu-session [FOLDER]] "
                              "[--full] [--sizes N ...] [--json FILE]",
                        help="measure the matching loss beside the same loss of others: seconds and memory",
                        description="--damsm: measure the DAMSM's score of words and regions instead. --ranking: the "
                                    "hinge ranking loss. --tiles: the matching loss at size. --full: more sizes and "
                                    "rounds. --sizes: these sizes instead. --json FILE: where the figures go "
                                    "(bench.json). --record, --record-tiles: measure on a GPU for the course's "
                                    "recorded runs. --gpu-session: test on a GPU, then both, in eight minutes.")
    for word, makes in PUBLISHED.items():
        made = commands.add_parser(word, help=makes)
        made.add_argument("folder", nargs="?", help=f"where to (otherwise build/{word}/)")
    commands.add_parser("class-map", usage="python3 -m xmatch_edu class-map FOLDER [--pseudonyms] [--out FOLDER]",
                        help="draw how far a class is, from its progress files, as HTML and CSV")
    chosen, more = parser.parse_known_args(words)
    if more and chosen.command not in ("test", "bench", "class-map"):
        parser.error("unknown: " + " ".join(more))

    # Not at the top: these rooms are written for the Python that the course needs.
    from xmatch_edu.course.launch import commands as work
    from xmatch_edu.course.launch import doctor
    from xmatch_edu.course.launch.environment import ROOT, Stop

    def stop(number, frame):
        raise KeyboardInterrupt

    # A stop from outside ends what we started, just as Ctrl-C does; and so does Ctrl-C itself where a script started us
    # in its background, with that signal ignored.
    signal.signal(signal.SIGTERM, stop)
    signal.signal(signal.SIGINT, stop)
    try:
        if chosen.command == "lab":
            extras = ("keras",) if chosen.keras else ()
            return work.lab(ROOT, browser=not chosen.no_browser, port=chosen.port, folder=chosen.dir, extras=extras)
        if chosen.command == "test":
            return work.test(ROOT, more)
        if chosen.command == "bench":
            return work.bench(ROOT, more)
        if chosen.command == "class-map":
            return work.class_map(ROOT, more)
        if chosen.command in PUBLISHED:
            return work.publish(ROOT, chosen.command, chosen.folder)
        return doctor.run(ROOT)
    except Stop as reason:
        print(reason, file=sys.stderr)
        return 1
    except (KeyboardInterrupt, BrokenPipeError):
        print("\nStopped. The same command goes on from here.", file=sys.stderr)
        return 130
    except OSError as error:
        print(f"The computer refused: {error}. Free some space, or put the course where you may write, then run "
              "the same command again.", file=sys.stderr)
        return 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
