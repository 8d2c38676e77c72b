"""Running a program and measuring it: time, memory, and what other programs did meanwhile."""

import os
import re
import subprocess
import tempfile
import threading
import time
from dataclasses import dataclass


class BenchmarkError(Exception):
    """A program that was to be measured failed."""


@dataclass
class Child:
    """A program that has ended."""

    output: str
    wall_s: float
    cpu_s: float       # user and system
    peak_bytes: int    # largest resident size
    others_cores: float  # mean number of cores that other processes kept busy


def busy_s(text):
    """Seconds of all cores since boot that were not idle, of the text of /proc/stat."""
    fields = [int(x) for x in text.split("\n", 1)[0].split()[1:]]
    user, nice, system, _, _, irq, softirq, steal = (fields + [0] * 8)[:8]  # idle and iowait left out; guest is in user
    return (user + nice + system + irq + softirq + steal) / os.sysconf("SC_CLK_TCK")


def read_busy_s():
    with open("/proc/stat") as f:
        return busy_s(f.read())


class MemoryWatch(threading.Thread):
    """Largest resident size of a process, looked up every 20 ms: what wait4 tells of a child begins with the size of
    its parent."""

    def __init__(self, process):
        super().__init__(daemon=True)
        self.path, self.peak_bytes, self.ended = f"/proc/{process.pid}/status", 0, threading.Event()
        self.start()

    def run(self):
        while not self.ended.wait(0.02):
            try:
                with open(self.path) as f:
                    self.peak_bytes = max(self.peak_bytes, peak_bytes(f.read()))
            except OSError:
                return

    def stop(self):
        self.ended.set()
        self.join()
        return self.peak_bytes


def peak_bytes(text):
    """VmHWM of the text of /proc/PID/status; 0 for a process that has ended."""
    found = re.search(r"^VmHWM:\s+(\d+) kB", text, re.MULTILINE)
    return int(found.group(1)) * 1024 if found else 0


def run_child(command, cwd=None, environment=None):
    """Runs a program to its end. Raises BenchmarkError with its last words if it fails."""
    with tempfile.TemporaryFile() as output:
        busy, start = read_busy_s(), time.monotonic()
        process = subprocess.Popen([str(x) for x in command], cwd=cwd, stdout=output, stderr=subprocess.STDOUT,
                                   env=None if environment is None else os.environ | environment)
        watch = MemoryWatch(process)
        try:
            _, status, usage = os.wait4(process.pid, 0)
        except BaseException:
            process.kill()
            process.wait()
            raise
        process.returncode = os.waitstatus_to_exitcode(status)
        wall_s = time.monotonic() - start
        peak = watch.stop()
        cpu_s = usage.ru_utime + usage.ru_stime
        others = max(0.0, read_busy_s() - busy - cpu_s) / max(wall_s, 0.01)
        output.seek(0)
        text = output.read().decode(errors="replace")
    if process.returncode != 0:
        raise BenchmarkError(f"{' '.join(str(x) for x in command)} ended with status {process.returncode}:\n"
                             + "\n".join(text.splitlines()[-20:]))
    return Child(text, wall_s, cpu_s, peak, others)
