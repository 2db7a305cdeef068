"""How fast it is, on real servers with data that survive a power cut: `deploy/bench`."""
