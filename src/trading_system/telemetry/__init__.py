"""What the outside is told: each fact as a log line, and as numbers to scrape."""
