"""The language server: the checker's findings, fixes and names while a page is being written."""
