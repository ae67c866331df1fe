"""Facts and the process as counters, gauges and latencies."""
