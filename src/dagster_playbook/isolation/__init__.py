"""A child process that has nothing to lose: text of pages is evaluated there and nowhere else."""
