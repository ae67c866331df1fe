"""Risk as pure rules: each looks at numbers and answers with flags, levels or lots."""
