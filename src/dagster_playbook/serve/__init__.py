"""The site with live parts."""
