"""What all HTML reports share: escaping, the look, plots as inline SVG. `svg` needs matplotlib; the rest does not."""
