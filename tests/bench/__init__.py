"""How fast it is, on real servers and data that would survive a power cut. `deploy/bench`, or `python -m tests.bench`."""
