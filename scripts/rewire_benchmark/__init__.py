"""The benchmark of scripts/benchmark: rewire and Brian2 in turns on the same networks, and what the machine allows."""
