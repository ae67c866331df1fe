"""How the processes around the desk say what they do."""
