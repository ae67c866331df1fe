"""One run as a folder: its numbers for machines, its fills and equity as columns, and one page for people."""
