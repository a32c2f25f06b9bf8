"""What all HTML reports share: the base template and stylesheet, numbers as people read them, plots as inline SVG.

`page` needs Jinja2 and `svg` Matplotlib; `numbers` needs neither.
"""
