"""What is tried: the cells of the matrix function × backend × device × dtype × mode, and how each is examined."""
