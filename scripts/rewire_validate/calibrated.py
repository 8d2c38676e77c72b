"""The constants that were set by a target, out of the program's own description: their one place is the table beside
each parameter, and nothing is listed here by hand."""

import re
import subprocess
from dataclasses import asdict, dataclass

SECTION = re.compile(r"^(\w+): ")
ROW = re.compile(r"^  (\w+) {2,}(\S+) .*\[calibrated: (.*)\]$")
HEADER = re.compile(r"^  key +default")


@dataclass(frozen=True)
class Constant:
    table: str    # as `rewire describe` calls it
    name: str
    value: str
    unit: str
    meaning: str
    target: str   # what set it


def parse(text):
    """Constants whose source is a calibration, of the output of `rewire describe`."""
    constants, table, columns = [], "", None
    for line in text.splitlines():
        if found := SECTION.match(line):
            table, columns = found[1], None
        elif HEADER.match(line):
            columns = [line.index(word) for word in ("unit", "allowed", "meaning")]
        elif columns and (found := ROW.match(line)):
            unit, _, meaning = (line[start:end].strip() for start, end in zip(columns, [*columns[1:], None]))
            constants.append(Constant(table, found[1], found[2], "" if unit == "-" else unit,
                                      meaning[:meaning.rindex("[calibrated: ")].strip(), found[3]))
    return list(dict.fromkeys(constants))


def calibrated(program):
    return parse(subprocess.run([str(program), "describe"], capture_output=True, text=True, check=True).stdout)


def as_dicts(constants):
    return [asdict(constant) for constant in constants]
