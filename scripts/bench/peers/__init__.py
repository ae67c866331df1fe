"""Other people's engines. Each file runs in the environment that `make bench` builds for them, never in ours."""
