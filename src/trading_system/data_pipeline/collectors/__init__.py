"""Back-fill, then follow: no bar twice, none missing, none open."""
