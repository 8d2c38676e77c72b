"""Options and fixtures of the Python tests."""

import os
import pathlib
import subprocess

import pytest

CHECKOUT = pathlib.Path(__file__).resolve().parents[2]


def pytest_addoption(parser):
    parser.addoption("--slow", action="store_true", help="also run the tests marked slow")


def pytest_configure(config):
    config.addinivalue_line("markers", "slow: takes long; runs with --slow only")


def pytest_collection_modifyitems(config, items):
    if not config.getoption("--slow"):
        for item in items:
            if "slow" in item.keywords:
                item.add_marker(pytest.mark.skip(reason="slow: runs with --slow only"))


@pytest.fixture(scope="session")
def rewire():
    """Runs `rewire run` on a config and returns the path of the result.

    The program is the one that REWIRE_PROGRAM names, else build/rewire of the checkout.
    """
    program = os.environ.get("REWIRE_PROGRAM")
    if program is None:
        program = CHECKOUT / "build" / "rewire"
        if not program.exists():
            pytest.skip("build/rewire is not built, and REWIRE_PROGRAM names no other program")

    def run(config, *options):
        result = pathlib.Path(config).with_suffix(".h5")
        done = subprocess.run([program, "run", config, "-o", result, "-t", "1", "--quiet", "--force", *options],
                              capture_output=True, text=True)
        assert done.returncode == 0, done.stderr
        return result

    return run
