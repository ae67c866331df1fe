"""What the venue publishes: instruments, bars, money, time."""
