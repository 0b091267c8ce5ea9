"""What the build adds to the pages: marks of the check, bars of steps, forms, the builder, pages of the platform.

MkDocs calls `hooks`. What a page says of the platform comes from the facts, what it says of itself from the check.
"""
