"""Right answers of section 7.5 in other styles, and equal variants."""

STYLES = {}
EQUAL = {}
