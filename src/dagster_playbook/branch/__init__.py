"""A restatement beside production: it works on a copy, which is looked at, published whole, and taken back."""
