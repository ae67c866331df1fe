"""From the venue's bars to the windows that a forecaster looks at."""
