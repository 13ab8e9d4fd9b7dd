"""What the benchmark and its companions share: cases, contenders, measurements, tables and pages."""
