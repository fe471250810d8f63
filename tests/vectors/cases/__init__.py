"""What the vectors ask, one module for each file. The answers are the reference's."""
