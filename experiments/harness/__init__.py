"""What the experiments share: options, the command line's edge, runs, numbers over seeds, results."""
