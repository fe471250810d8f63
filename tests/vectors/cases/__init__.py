"""The inputs of the vectors, one module for each file. The reference gives the answers."""
