"""What differs between two versions of the same tables, row by row, computed in the engine that holds them."""
