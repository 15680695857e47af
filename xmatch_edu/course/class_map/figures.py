"""What the class's files add up to: outcomes, misconceptions, who is stuck."""

from collections import Counter, defaultdict
from dataclasses import dataclass

from xmatch_edu.course import exercises
from xmatch_edu.course.class_map.reading import SAYS, Tries

STUCK = 3  # attempts or more, and not solved
SOLVED, TRIED, NOT_YET = "solved", "tried", "not yet"
COURSE = [(chapter.title, one.name) for chapter in exercises.CHAPTERS for one in chapter.exercises]


@dataclass(frozen=True)
class Met:
    """A misconception of one exercise. learners: how many met it. times: how often, all together."""

    chapter: str
    exercise: str
    idea: str
    learners: int
    times: int
    says: str


def tries(learner, exercise):
    """-> Tries, none where the file says nothing of this exercise."""
    return learner.tries.get(exercise, Tries())


def outcome(one):
    """Tries -> "solved", "tried" or "not yet"."""
    return SOLVED if one.solved else TRIED if one.attempts else NOT_YET


def is_stuck(one):
    """Three attempts or more, and not solved."""
    return not one.solved and one.attempts >= STUCK


def column(learners, exercise):
    """-> (how many solved it, how many tried and did not, how many of these are stuck)."""
    all_of_them = [tries(learner, exercise) for learner in learners]
    counts = Counter(map(outcome, all_of_them))
    return counts[SOLVED], counts[TRIED], sum(map(is_stuck, all_of_them))


def met(learners):
    """-> [Met], those that most learners met first; equal ones in the order of the course."""
    times = defaultdict(list)
    for learner in learners:
        for exercise, one in learner.tries.items():
            for idea, count in one.met.items():
                if count:
                    times[exercise, idea].append(count)
    found = [Met(chapter, exercise, idea, len(counts), sum(counts), says) for chapter, exercise in COURSE
             for idea, says in SAYS[exercise].items() if (counts := times.get((exercise, idea)))]  # fmt: skip
    return sorted(found, key=lambda one: (-one.learners, -one.times))


def stuck(learners):
    """-> [(learner, chapter, exercise, Tries)], most attempts first."""
    found = [(learner, chapter, exercise, tries(learner, exercise)) for learner in learners
             for chapter, exercise in COURSE if is_stuck(tries(learner, exercise))]  # fmt: skip
    return sorted(found, key=lambda row: -row[3].attempts)
