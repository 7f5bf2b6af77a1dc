"""Real schedulers, on hosts that the tests make: network namespaces of this machine."""
