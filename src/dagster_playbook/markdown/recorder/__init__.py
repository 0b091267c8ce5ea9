"""Python-Markdown, recorded: the renderer that shows a page reads it, and what it takes for what is written down."""
