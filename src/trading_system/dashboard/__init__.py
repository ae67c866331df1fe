"""What people look at: pages made from the journal, and from nothing else."""
