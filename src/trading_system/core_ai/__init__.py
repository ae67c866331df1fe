"""Those who form a view: trained here, exported to a file, run without torch."""
