"""What Rapport costs, measured. Figures are written into docs/benchmarks.md with the command that showed them."""
