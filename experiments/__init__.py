"""What CNN courses claim, measured. Each module is one experiment: `python -m experiments.NAME`."""
