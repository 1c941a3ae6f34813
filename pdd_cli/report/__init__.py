"""A page about a result that opens anywhere: plain data in, one self-contained HTML file out."""
