"""Problems of a config in one line, to compare."""

from dltk.config.problems import Problem


def told(problem: Problem) -> str:
    """Return place, key, sentence, and in brackets what was found and what is allowed."""
    where = f"{problem.position}: " if problem.position else ""
    key = f"{problem.key}: " if problem.path else ""
    found, allowed = f"found {problem.found}", f"allowed {problem.allowed}"
    details = [text for text, value in ((found, problem.found), (allowed, problem.allowed)) if value]
    return f"{where}{key}{problem.message}" + (f" ({'; '.join(details)})" if details else "")
