"""The page on failure data: its example runs, and the functions it names exist."""

import re
from importlib import import_module
from pathlib import Path

PAGE = (Path(__file__).parents[1] / "docs/how-to/analyse-failure-data.md").read_text("utf-8")


def test_the_example_of_the_page_runs():
    (code,) = re.findall(r"```python\n(.*?)```", PAGE, re.DOTALL)
    exec(code, {})


def test_every_function_that_the_page_names_exists():
    table = PAGE.split("| question | function |")[1]
    module = None
    for name in re.findall(r"`([a-z_.]+)`", table.replace(", then `fit`", "")):
        before, _, function = name.rpartition(".")
        if before:
            module = import_module(f"railtrace.analysis.{before}")
        assert hasattr(module, function), name
