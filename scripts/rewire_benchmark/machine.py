"""What the figures were measured on and with."""

import os
import platform
import re
import subprocess
from importlib import metadata

LSCPU_FIELDS = ["Model name", "Architecture", "CPU(s)", "Thread(s) per core", "Core(s) per socket", "Socket(s)",
                "NUMA node(s)", "CPU max MHz", "BogoMIPS", "L1d cache", "L2 cache", "L3 cache", "Hypervisor vendor"]


def command_output(*command):
    """First line of what a program prints, or "" if there is none such."""
    try:
        done = subprocess.run(command, capture_output=True, text=True, env=os.environ | {"LC_ALL": "C"})
    except OSError:
        return ""
    return done.stdout if done.returncode == 0 else ""


def parse_lscpu(text):
    """The fields of lscpu that bear on speed, and its vector instructions."""
    found = dict(re.findall(r"^\s*([^:\n]+):\s*(.*\S)\s*$", text, re.MULTILINE))
    fields = {name: found[name] for name in LSCPU_FIELDS if name in found}
    flags = found.get("Flags", found.get("Features", "")).split()
    vectors = [x for x in flags if x in ("sse4_2", "avx", "avx2", "fma", "avx512f", "asimd", "sve")]
    if vectors:
        fields["Vector instructions"] = " ".join(vectors)
    return fields


def parse_meminfo(text):
    """Memory of the machine in bytes, of the text of /proc/meminfo."""
    found = re.search(r"^MemTotal:\s+(\d+) kB", text, re.MULTILINE)
    return int(found.group(1)) * 1024 if found else None


def cmake_cache(folder):
    """Entries of a build folder's CMakeCache.txt."""
    with open(folder / "CMakeCache.txt") as f:
        return dict(re.findall(r"^([\w-]+):\w+=(.*)$", f.read(), re.MULTILINE))


def compile_flags(folder):
    """Flags of the engine's compilation, without paths, of a build folder's compile_commands.json."""
    import json

    commands = json.loads((folder / "compile_commands.json").read_text())
    command = next((x["command"] for x in commands if x["file"].endswith("fast_network.cpp")), "")
    words = command.split()
    return " ".join(x for x in words[1:] if x.startswith(("-O", "-f", "-m", "-std", "-g", "-DNDEBUG")))


def cores():
    """Cores that this process may use."""
    return len(os.sched_getaffinity(0))


def describe(build_folder, peer_version):
    cache = cmake_cache(build_folder)
    compiler = cache.get("CMAKE_CXX_COMPILER", "c++")
    with open("/proc/meminfo") as f:
        memory = parse_meminfo(f.read())
    try:
        pretty = platform.freedesktop_os_release().get("PRETTY_NAME", "")
    except OSError:
        pretty = ""
    return {
        "processor": parse_lscpu(command_output("lscpu")),
        "cores usable": cores(),
        "memory": f"{memory / 2**30:.1f} GiB" if memory else "unknown",
        "system": f"{pretty}, Linux {platform.release()}".lstrip(", "),
        "compiler": (command_output(compiler, "--version").splitlines() or [compiler])[0],
        "build type": cache.get("CMAKE_BUILD_TYPE", ""),
        "flags": compile_flags(build_folder),
        "commit": command_output("git", "-C", str(build_folder.parent), "describe", "--always", "--dirty").strip(),
        "HDF5": hdf5_version(),
        "Brian2": peer_version or "not used",
        "load average at the start": " ".join(f"{x:.2f}" for x in os.getloadavg()),
    }


def hdf5_version():
    import h5py

    return h5py.version.hdf5_version


def brian2_version():
    """Version of the installed Brian2, or None."""
    try:
        return metadata.version("brian2")
    except metadata.PackageNotFoundError:
        return None
